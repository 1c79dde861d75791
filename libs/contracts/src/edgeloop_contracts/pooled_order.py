"""The pooled order: which labelled row of a stream is row n, and where in ``examples`` it lies.

The partials of kind ``ERRORS``, in the order in which they lie in their partition of ``drift.partials``, are the order of
the stream's labelled rows. Everybody who folds them through :class:`PooledOrder` gives the same number to the same row.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_contracts.events import DriftPartial, Position


@dataclass(frozen=True, slots=True)
class PooledOrder:
    """How far the labelled rows of one stream have been counted.

    Attributes
    ----------
    rows
        Labelled rows counted.
    positions
        Where the examples of each partition stand, in order of partition: the index of the next example, and the offset of
        the batch that holds it if that batch has begun, else the offset after the last whole batch.

    Examples
    --------
    >>> order = PooledOrder().after(DriftPartial(tenant="default", stream="", device_id="", partition=2, offset=7, first_index=0, count=3))
    >>> order.rows, order.positions[0].offset, order.positions[0].index
    (3, 8, 3)
    >>> order.after(DriftPartial(tenant="default", stream="", device_id="", partition=2, offset=7, first_index=0, count=3)) == order
    True
    """

    rows: int = 0
    positions: tuple[Position, ...] = ()

    def skipped(self, partial: DriftPartial) -> int:
        """How many of the partial's leading rows were counted before; all of them when it is a repeat."""
        for position in self.positions:
            if position.partition == partial.partition:
                return min(max(position.index - partial.first_index, 0), partial.count)
        return 0

    def after(self, partial: DriftPartial, rows: int | None = None) -> PooledOrder:
        """The order after the partial, or after its first ``rows`` rows.

        Parameters
        ----------
        partial
            A partial of kind ``ERRORS``.
        rows
            Rows of the partial to take, counted from its first; by default all.
        """
        taken = partial.count if rows is None else rows
        new = taken - self.skipped(partial)
        if new <= 0:
            return self
        whole = taken == partial.count and partial.left == 0
        here = Position(partition=partial.partition, offset=partial.offset + whole, index=partial.first_index + taken)
        others = [position for position in self.positions if position.partition != partial.partition]
        return PooledOrder(self.rows + new, tuple(sorted([*others, here], key=lambda position: position.partition)))

"""The pooled order: the numbers of a stream's labelled rows, and their places in ``examples``.

The partials of kind ``ERRORS``, in the order of their partition of ``drift.partials``, give the order of the stream's labelled rows. All
services that fold them through :class:`PooledOrder` give the same number to the same row.
"""

from __future__ import annotations

from dataclasses import dataclass

from edgeloop_contracts.events import DriftPartial, Position


@dataclass(frozen=True, slots=True)
class PooledOrder:
    """Count of the labelled rows of one stream.

    Attributes
    ----------
    rows
        Labelled rows counted.
    positions
        Positions in ``examples``, in order of partition: the index of the next example, and the offset of its batch if that batch has
        begun, else the offset after the last whole batch.

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
        """Number of the partial's leading rows that were counted before; all of them for a repeat."""
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

"""Stream rows by their row numbers in the pooled order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

RowId = tuple[str, int, int]
"""Device, boot epoch and sequence number of a row."""


class PooledOrder:
    """The order in which a stream's labelled rows were folded, as examples and error partials tell it.

    Examples
    --------
    >>> order = PooledOrder()
    >>> order.partial(partition=2, first_index=0, count=2)
    >>> order.example(2, 0, [("d", 1, 7), ("d", 1, 8)])
    >>> order.row(2, {("d", 1, 7): 0, ("d", 1, 8): 1})
    1
    """

    def __init__(self) -> None:
        self._ids: dict[int, list[RowId]] = {}
        self._order: list[tuple[int, int]] = []

    def example(self, partition: int, first_index: int, ids: Sequence[RowId]) -> None:
        """A batch of examples lies in a partition, the first of them with this index."""
        known = self._ids.setdefault(partition, [])
        if first_index + len(ids) > len(known):
            known += ids[len(known) - first_index :]

    def partial(self, partition: int, first_index: int, count: int) -> None:
        """The pool took these examples next."""
        self._order += [(partition, first_index + i) for i in range(count)]

    def row(self, nth: int, rows: Mapping[RowId, int]) -> int | None:
        """Row of the stream that was the ``nth`` labelled one, counted from 1; ``None`` if it is not known."""
        if not 1 <= nth <= len(self._order):
            return None
        partition, index = self._order[nth - 1]
        known = self._ids.get(partition, [])
        return rows.get(known[index]) if index < len(known) else None

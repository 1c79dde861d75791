"""Counts of lost and duplicated rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from edgeloop_replay.pooled_order import RowId
from edgeloop_replay.report import Counts


class Tally:
    """Number of finds of each expected row; other rows are not counted.

    Parameters
    ----------
    expected
        Names of rows.
    """

    def __init__(self, expected: Iterable[RowId]) -> None:
        self._found: Counter[RowId] = Counter()
        self._expected = frozenset(expected)

    def add(self, device: str, epoch: int, seqs: Iterable[int]) -> None:
        """Rows of one record."""
        self._found.update(name for seq in seqs if (name := (device, epoch, seq)) in self._expected)

    @property
    def lost(self) -> int:
        """Rows that were never found."""
        return len(self._expected) - len(self._found)

    @property
    def duplicated(self) -> int:
        """Number of finds of rows beyond the first."""
        return self._found.total() - len(self._found)


def counts(observed: Tally, joined: Tally, produced: int, dead: int) -> Counts:
    """Both together."""
    return Counts(produced, observed.lost + joined.lost, observed.duplicated + joined.duplicated, dead)

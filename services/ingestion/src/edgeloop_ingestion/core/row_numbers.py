"""Numbers for rows without sequence numbers, which are identified by their ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from edgeloop_errors import InvalidError
from numpy.typing import NDArray

from edgeloop_ingestion.core.content_memory import ROWS, Contents
from edgeloop_ingestion.core.digests import Digests, Ids

SLOTS = 16
FEW = 64  # up to so many ids are looked up one by one


class Numbering:
    """Numbers of one device's rows, in the order of acceptance. The ids of the newest ``SLOTS * ROWS`` rows are remembered.

    A row that is repeated after more rows than that counts as new.

    Attributes
    ----------
    end
        The next number.
    contents
        Contents of the rows, by number.
    """

    def __init__(self, end: int = 0) -> None:
        self.end = end
        self.contents = Contents(SLOTS)
        self._ids: Ids = np.zeros(0, np.uint64)

    def any_known(self, ids: Ids) -> bool:
        """Whether one of these ids is remembered, or two of them are equal."""
        if len(set(ids.tolist())) < len(ids):
            return True
        if len(ids) < FEW:
            return bool((self._ids == ids[:, None]).any())
        return bool(np.isin(ids, self._ids).any())

    def number_of(self, row: np.uint64) -> int | None:
        """Number of the row with this id, if it is remembered."""
        found = np.flatnonzero(self._ids == row)
        if not len(found):
            return None
        newest, size = self.end - 1, len(self._ids)
        return newest - (newest - int(found[0])) % size

    def add(self, ids: Ids, digests: Digests) -> int:
        """Add new rows; give back the number of the first."""
        first = self.end
        self.contents.add(first, digests)
        self._place(first, ids)
        self.end += len(ids)
        return first

    def ids_of(self, block: int) -> Ids:
        """Ids of the rows of a remembered block."""
        at = block % SLOTS * ROWS
        return self._ids[at : at + ROWS]

    def restore(self, block: int, ids: Ids) -> None:
        """Restore a block's ids, as given by :meth:`ids_of`."""
        self._place(block * ROWS, ids)

    def _place(self, first: int, ids: Ids) -> None:
        if not len(self._ids):
            self._ids = np.zeros(SLOTS * ROWS, np.uint64)
        newest = ids[-len(self._ids) :]
        at = (first + len(ids) - len(newest) + np.arange(len(newest))) % len(self._ids)
        self._ids[at] = newest


def names(request_ids: Sequence[str], count: int, place_of: Callable[[int], str]) -> list[str]:
    """Id of each of ``count`` rows: its request id, else its place.

    >>> names(["a", ""], 2, lambda row: f"record/{row}")
    ['ra', 'precord/1']
    """
    asked = request_ids or ("",) * count
    return [f"r{asked[row]}" if asked[row] else f"p{place_of(row)}" for row in range(count)]


class SingleHandlingError(InvalidError):
    """Rows that have to be handled one by one."""


def numbered(seqs: NDArray[np.int64]) -> bool:
    """Whether rows have sequence numbers, int64 [n]; negative for none.

    Raises
    ------
    SingleHandlingError
        Only some have one, or two have the same.
    """
    if (seqs == -1).all():
        return False
    if int(seqs.min()) < 0 or ((np.diff(seqs) <= 0).any() and len(np.unique(seqs)) < len(seqs)):
        raise SingleHandlingError("without a number, or with one twice")
    return True

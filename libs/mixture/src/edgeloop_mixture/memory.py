"""Rows of the memories, in pooled order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgeloop_mixture.scaling import Bytes
from edgeloop_mixture.target import MemoryLabels

STEP = 500  # rows


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """The rows of a memory, oldest first.

    Attributes
    ----------
    rows
        int8 [D, M].
    norms
        float32 [M]: sum of squares of each.
    labels
        [M], see :meth:`edgeloop_mixture.target.Target.memory_labels`.
    """

    rows: Bytes
    norms: NDArray[np.float32]
    labels: MemoryLabels


class MemoryRows:
    """The newest rows, numbered from 0 in their order.

    Parameters
    ----------
    width
        Columns of a row.
    keep
        Rows to keep.
    first
        Number of the first row.
    numbers
        Whether labels are numbers.

    Examples
    --------
    >>> memory = MemoryRows(width=2, keep=3)
    >>> memory.append(np.array([[1, 2], [3, 4]], np.int8), np.array([0, 1]))
    >>> memory.end, memory.window(2, 1).rows.tolist(), memory.window(2, 1).norms.tolist()
    (2, [[3], [4]], [25.0])
    """

    def __init__(self, width: int, keep: int, first: int = 0, *, numbers: bool = False) -> None:
        self.numbers = numbers
        self._keep = keep
        self._first = first
        self._count = 0
        self._rows = np.zeros((width, max(2 * keep, 64)), np.int8)
        self._norms = np.zeros(self._rows.shape[1], np.float32)
        self._labels: MemoryLabels = np.zeros(self._rows.shape[1], np.float32 if numbers else np.int64)

    @property
    def start(self) -> int:
        """Number of the oldest row kept."""
        return self._first

    @property
    def end(self) -> int:
        """Number of the next row."""
        return self._first + self._count

    def append(self, rows: Bytes, labels: MemoryLabels) -> None:
        """Append rows, int8 [N, D], and their labels."""
        room = self._rows.shape[1]
        rows, labels = rows[-room:], labels[-room:]
        if self._count + len(rows) > room:
            self._forget(self._count - min(self._keep, room - len(rows)))
        here = slice(self._count, self._count + len(rows))
        self._rows[:, here] = rows.T
        self._norms[here] = (rows.astype(np.int32) ** 2).sum(axis=1)
        self._labels[here] = labels
        self._count += len(rows)

    def span(self, end: int, rows: int) -> tuple[int, int]:
        """Bounds of the newest rows before number ``end``, at most ``rows``: number of the first, and of the one after the last.

        Rows older than the newest ``keep`` are gone. Where some of them are needed, the oldest remaining ones take their place. Their
        bounds move in steps of :data:`STEP`, so that arrays made of them can be reused.
        """
        oldest, last = max(self._first, self.end - self._keep), min(end, self.end)
        if last - rows < oldest and oldest > 0:
            last = min(max(last, -(-oldest // STEP) * STEP + rows), self.end)
        return max(oldest, last - rows), last

    def window(self, end: int, rows: int) -> Window:
        """The rows of :meth:`span`."""
        first, last = self.span(end, rows)
        here = slice(first - self._first, last - self._first)
        return Window(np.ascontiguousarray(self._rows[:, here]), self._norms[here].copy(), self._labels[here].copy())

    def block(self, first: int, end: int) -> tuple[Bytes, MemoryLabels]:
        """Rows ``first`` to ``end``, int8 [N, D], and their labels."""
        here = slice(max(first - self._first, 0), end - self._first)
        return np.ascontiguousarray(self._rows[:, here].T), self._labels[here].copy()

    def _forget(self, count: int) -> None:
        left = self._count - count
        for part in (self._rows, self._norms, self._labels):
            part[..., :left] = part[..., count : self._count].copy()
        self._first += count
        self._count = left

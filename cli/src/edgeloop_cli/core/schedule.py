"""Which rows go to which device, and when their labels follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

GROUP = 50
BATCH_ROWS = 256
BATCH_BYTES = 512 << 10


@dataclass(frozen=True, slots=True)
class Group:
    """Consecutive rows that one device answers.

    Attributes
    ----------
    first, end
        First row and the row after the last.
    device
        Number of the device.
    """

    first: int
    end: int
    device: int

    def __len__(self) -> int:
        return self.end - self.first


@dataclass(frozen=True, slots=True)
class Step:
    """What is played before the platform must have settled.

    Attributes
    ----------
    rows
        Rows to be answered; ``None`` at the end, where only labels are left.
    labels
        Groups whose labels are sent after that.
    """

    rows: Group | None
    labels: tuple[Group, ...]


def batch_rows(features: int) -> int:
    """Rows of the warm-up that go into one record: fewer where rows are wide, so that it does not become too large for its topic.

    >>> batch_rows(50), batch_rows(4_096)
    (256, 32)
    """
    return max(1, min(BATCH_ROWS, BATCH_BYTES // (4 * features)))


def groups(first: int, end: int, devices: int, size: int = GROUP) -> list[Group]:
    """Cut rows into groups, each to one device in turn."""
    return [Group(start, min(start + size, end), number % devices) for number, start in enumerate(range(first, end, size))]


def steps(first: int, end: int, devices: int, delay: int, size: int = GROUP) -> Iterator[Step]:
    """What to play, in order: a group's labels are sent once its newest row is ``delay`` rows old, the rest at the end.

    At the end labels follow group by group, each a step of its own, as they would have if the stream had gone on.
    """
    waiting = groups(first, end, devices, size)
    for rows in list(waiting):
        due: list[Group] = []
        while waiting and rows.end - waiting[0].end >= delay and waiting[0].end <= rows.end:
            due.append(waiting.pop(0))
        yield Step(rows, tuple(due))
    for rest in waiting:
        yield Step(None, (rest,))

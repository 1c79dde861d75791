"""Schedule of rows and labels: groups, devices, delays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

GROUP = 50  # rows; few enough for labels that do not repeat, and quick
SMALL_GROUP = 10  # for those that do
REPEATING = 0.5  # Cohen's kappa
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
    """Rows and labels that are played before the platform must have settled.

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


def fitting_group(labels: Sequence[str], delay: int) -> int:
    """Rows of a group that tell about as much as labels at once, judged by a stream's first labels.

    A group's rows are answered before any of their labels is known. Where labels repeat, what is known of the newest ones makes
    answers right, so groups have to be small there, at the price of time. Labels repeat if each agrees with the newest one that could
    be known far more often than by chance: Cohen's kappa above a half.

    >>> fitting_group(["on"] * 60 + ["off"] * 60, 0), fitting_group(["on", "on", "off", "off"] * 30, 0), fitting_group(["on"] * 120, 0)
    (10, 50, 50)
    """
    pairs = list(zip(labels, labels[delay + 1 :], strict=False))
    if not pairs:
        return GROUP
    agreed = sum(known == label for known, label in pairs) / len(pairs)
    before, after = Counter(known for known, _ in pairs), Counter(label for _, label in pairs)
    chance = sum(before[label] * after[label] for label in before) / len(pairs) ** 2
    return SMALL_GROUP if agreed - chance > REPEATING * (1 - chance) else GROUP


def groups(first: int, end: int, devices: int, size: int = GROUP) -> list[Group]:
    """Cut rows into groups, each to one device in turn."""
    return [Group(start, min(start + size, end), number % devices) for number, start in enumerate(range(first, end, size))]


def steps(first: int, end: int, devices: int, delay: int, size: int = GROUP) -> Iterator[Step]:
    """Steps to play, in order: a group's labels are sent once its newest row is ``delay`` rows old, the rest at the end.

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

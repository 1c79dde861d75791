"""One assigned partition: its task and state, and the uncommitted results of its records."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from edgeloop_kafka.received_record import Received

from edgeloop_streaming.state import State
from edgeloop_streaming.tasks import BulkTask, Task


@dataclass(frozen=True, slots=True)
class OutputRecord:
    """Bytes to be produced; the topic with the settings' prefix."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None


@dataclass(slots=True)
class AssignedPartition:
    """A partition's task with its state, and the results since the last commit.

    Invariants: ``end`` is the next offset by topic; everything else below ``state`` and ``task`` is empty right after a commit.

    Attributes
    ----------
    partition, state, task
        The partition and its work.
    first, end
        First offset since the last commit, and the next offset, by topic.
    now
        Largest timestamp of a handled record, milliseconds.
    last
        The record handled last.
    records
        Output of the open transaction.
    handled
        Topic and timestamp of each handled record.
    counted
        Kind and topic of what is counted at the commit: skipped records and dead letters.
    outcomes
        By topic: ``True`` for each record that became a dead letter, in order.
    single
        Number of following records to handle one by one.
    bulk
        The task, if it handles several records at once. Looked up once: the check costs more than a record.
    """

    partition: int
    state: State
    task: Task
    first: dict[str, int] = field(default_factory=dict[str, int])
    end: dict[str, int] = field(default_factory=dict[str, int])
    now: int = 0
    last: Received[Any] | None = None
    records: list[OutputRecord] = field(default_factory=list[OutputRecord])
    handled: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    counted: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    outcomes: dict[str, list[bool]] = field(default_factory=dict[str, list[bool]])
    single: int = 0
    bulk: BulkTask | None = field(init=False)

    def __post_init__(self) -> None:
        self.bulk = self.task if isinstance(self.task, BulkTask) else None

    def advance(self, topic: str, first: int, end: int, stamps: list[int]) -> None:
        """Note that the records ``first`` to ``end - 1`` of ``topic``, with these timestamps, were handled."""
        self.handled += [(topic, stamp) for stamp in stamps]
        self.first.setdefault(topic, first)
        self.end[topic] = end

    def reset(self) -> None:
        """Forget the results of a committed transaction."""
        self.first, self.records, self.handled, self.counted, self.outcomes = {}, [], [], [], {}

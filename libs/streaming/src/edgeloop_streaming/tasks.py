"""What comes into a task and what it gives back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, runtime_checkable

from edgeloop_contracts import Cause, Event, Topic
from edgeloop_errors import RetryableError
from edgeloop_kafka import Columns
from edgeloop_kafka.received_record import Received

E = TypeVar("E", bound=Event)
K = TypeVar("K", bound=str)


class BackpressureError(RetryableError):
    """The record cannot be handled yet: its partition pauses, all others go on.

    Parameters
    ----------
    ready
        Asked between polls; once it is true, the same record is handled again.
    """

    def __init__(self, ready: Callable[[], bool]) -> None:
        super().__init__("not yet")
        self.ready = ready


@dataclass(frozen=True, slots=True)
class Send:
    """An event to be written in the current transaction.

    Attributes
    ----------
    topic, key
        Where it goes.
    event
        The event; ``None`` deletes the key from a compacted topic.
    cause
        What led to it; by default the record being handled (in ``flush``: the last record handled).
    partition
        Fixed partition; by default the key decides.
    """

    topic: Topic
    key: str
    event: Event | None
    cause: Cause | None = None
    partition: int | None = None

    if TYPE_CHECKING:  # the key and the event are of the types that the topic takes

        def __init__(
            self, topic: Topic[E, K], key: K, event: E | None, cause: Cause | None = None, partition: int | None = None
        ) -> None: ...


@dataclass(frozen=True, slots=True)
class Forward:
    """The record being handled, sent on unchanged, headers and all.

    Attributes
    ----------
    headers
        More headers.
    """

    topic: Topic
    key: str
    partition: int
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Reject:
    """Dead-letter the record being handled although parts of it were taken."""

    reason: str
    message: str


Effect = Send | Forward | Reject


class Task(Protocol):
    """A service's work on one partition of its inputs.

    A task is made when the partition is assigned, with its state rebuilt, and thrown away when the partition goes or a
    transaction's outcome is in doubt. It raises :class:`InvalidEventError` or :class:`BackpressureError`, or crashes; in all three
    cases nothing of the record has taken effect.
    """

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        """Take one record; give back what follows from it."""
        ...

    def flush(self) -> Iterable[Send]:
        """Called once before each transaction commits: write snapshots, give back combined batches."""
        ...


@dataclass(frozen=True, slots=True)
class Bulk:
    """Records that a task can take at once.

    Attributes
    ----------
    topic
        Where they come from.
    kind
        The one kind that the topic carries.
    by
        Fields in which the records of a group agree.
    """

    topic: Topic
    kind: type[Event]
    by: tuple[str, ...]


@runtime_checkable
class BulkTask(Task, Protocol):
    """A task that can take neighbouring records of one topic at once, with the same outcome as one after another.

    Attributes
    ----------
    bulk
        The records of which it does.
    """

    bulk: Bulk

    def handle_all(self, records: Sequence[Columns[Any]], keys: Sequence[bytes], cause_of: Callable[[int], Cause]) -> Iterable[Send] | None:
        """Take records, grouped, with the keys of all; ``None`` to get them one by one, and then nothing has changed."""
        ...

"""Tasks, their effects, and backpressure."""

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
    """The record cannot be handled yet. Its partition pauses, and all others go on.

    Parameters
    ----------
    ready
        Condition, evaluated between polls; once it is true, the same record is handled again.
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
        Destination.
    event
        The event; ``None`` deletes the key from a compacted topic.
    cause
        Its cause; by default the record being handled (in ``flush``: the last record handled).
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
    """The record being handled, sent on with its bytes and headers unchanged.

    Attributes
    ----------
    headers
        Additional headers.
    """

    topic: Topic
    key: str
    partition: int
    headers: Mapping[str, bytes] = field(default_factory=dict[str, bytes])


@dataclass(frozen=True, slots=True)
class Reject:
    """A dead letter for the record being handled, of which the other effects accept a part."""

    reason: str
    message: str


Effect = Send | Forward | Reject


class Task(Protocol):
    """A service's work on one partition of its inputs.

    A task is made with the restored state when its partition is assigned. It is discarded when the partition is revoked or the
    outcome of a transaction is in doubt.

    Invariants
    ----------
    - ``handle`` raises before it changes state. If it fails later, the state is read again.
    - Its effects depend on the state and the records alone, not on clocks, random numbers or batches.
    """

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        """Handle one record; give back its effects."""
        ...

    def flush(self) -> Iterable[Send]:
        """Give back the effects of a whole transaction; called once before each commit."""
        ...


@dataclass(frozen=True, slots=True)
class Bulk:
    """Records that a task can handle at once.

    Attributes
    ----------
    topic
        Their topic.
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
    """A task that can handle neighbouring records of one topic at once, with the same outcome as one by one.

    Attributes
    ----------
    bulk
        The records for which it does so.
    """

    bulk: Bulk

    def handle_all(self, records: Sequence[Columns[Any]], keys: Sequence[bytes], cause_of: Callable[[int], Cause]) -> Iterable[Send] | None:
        """Handle records, grouped, with the keys of all. ``None`` asks for them one by one, and nothing has changed then."""
        ...

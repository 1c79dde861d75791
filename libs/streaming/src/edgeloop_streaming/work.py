"""What one transaction holds: the records handled, what follows from them, and where that leaves each partition."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from edgeloop_contracts import Cause, Checkpoint, Event, OffsetRange, Topic, topics
from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.causation import event_headers, trace_of
from edgeloop_kafka.codec import Codec, UndecodableError, UnencodableError, UnknownKindError, body
from edgeloop_kafka.consumed import Consumed
from edgeloop_kafka.dead_letters import KEY_CHARACTERS, Given, letter_of
from edgeloop_kafka.received import SENSELESS, Received, cause_of, headers_of, received_from
from edgeloop_readers.gaps import gap_of, input_key

from edgeloop_streaming.dead_letter_limits import DeadLetterGuard
from edgeloop_streaming.messages import BulkTask, Effect, Forward, Reject, Send, Task
from edgeloop_streaming.state import State
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.transactions import DoubtError


class SenselessError(DoubtError):
    """A task has failed at a record, and nobody knows what it changed before: its state is to be read again.

    When the record then comes again, it is a dead letter (``UNHANDLED``) and never reaches the task.
    """


@dataclass(frozen=True, slots=True)
class Record:
    """Bytes ready to be produced."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]
    partition: int | None


@dataclass(slots=True)
class Assigned:
    """One partition's task with its state, and what it did since the last commit."""

    partition: int
    state: State
    task: Task
    first: dict[str, int] = field(default_factory=dict[str, int])
    end: dict[str, int] = field(default_factory=dict[str, int])
    now: int = 0
    last: Received[Any] | None = None
    records: list[Record] = field(default_factory=list[Record])
    handled: list[tuple[str, int]] = field(default_factory=list[tuple[str, int]])
    counted: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    outcomes: dict[str, list[bool]] = field(default_factory=dict[str, list[bool]])  # of records by topic: True for a dead letter
    single: int = 0  # so many of the next messages are to be taken one by one
    bulk: BulkTask | None = field(init=False)  # the task, if it is one: asked once, as asking takes longer than many a record

    def __post_init__(self) -> None:
        self.bulk = self.task if isinstance(self.task, BulkTask) else None


class Work:
    """Turns messages into the records of a transaction.

    Parameters
    ----------
    service, inputs
        Name of the service and what it consumes.
    codec, prefix
        As of the process.
    metrics
        Counted once a transaction has committed.
    guard
        Refuses dead letters beyond the limits.
    """

    def __init__(
        self, service: str, inputs: Iterable[Topic], codec: Codec, prefix: str, metrics: LoopMetrics, guard: DeadLetterGuard
    ) -> None:
        self._guard = guard
        self._service = service
        self._inputs = {topic.name: topic for topic in inputs}
        self._codec = codec
        self._prefix = prefix
        self._metrics = metrics
        self._state_topic = topics.state(service)
        self._dead_topic = topics.dead_letters(service)
        self._redrive_topic = topics.redrive(service)
        self._senseless: dict[tuple[str, int, int], str] = {}
        self._singly: dict[tuple[str, int], int] = {}  # offsets up to which records are taken one by one, as one of them is senseless
        self._unprepared = [topic for topic in topics.all_topics() if topic.producer == service]

    def take(self, assigned: Assigned, topic: Topic, message: Consumed) -> None:
        """Handle one message; its effects wait for the transaction.

        Raises
        ------
        BackpressureError
            The task cannot take it now, or it would be one dead letter too many; nothing has changed.
        RegistryUnavailableError
            Its schema cannot be had now; nothing has changed.
        SenselessError
            The task has failed at it.
        """
        self._prepare()
        stamp = message.timestamp()[1]
        if topic.name == self._redrive_topic.name:
            assigned.now = max(assigned.now, self._take_back(assigned, message))
        else:
            self._handle(assigned, topic, message)
            assigned.now = max(assigned.now, stamp)
        assigned.handled.append((topic.name, stamp))
        assigned.first.setdefault(topic.name, message.offset())
        assigned.end[topic.name] = message.offset() + 1

    def _take_back(self, assigned: Assigned, message: Consumed) -> int:
        """Handle what was redriven as if it came from where it lay first; give back when that was, so that no time passes by it."""
        try:
            redrive = received_from(message, self._redrive_topic, self._codec).event
        except UndecodableError as error:
            self._dead_letter(assigned, self._redrive_topic, message, error.reason, error.message)
            return 0
        # Whoever can write here can say any time, and time that has passed cannot be taken back.
        redrive = replace(redrive, timestamp=max(0, min(redrive.timestamp, message.timestamp()[1])))
        given = Given(redrive, self._prefix)
        topic = self._inputs.get(redrive.topic)
        if topic is None:
            text = f"expected a record of {', '.join(self._inputs)}, given one of {redrive.topic or 'no topic'}"
            self._dead_letter(assigned, self._redrive_topic, given, "NO_INPUT", text, redrive.letter)
        elif redrive.partition != assigned.partition or not 0 <= redrive.offset < assigned.end.get(topic.name, 0):
            end = assigned.end.get(topic.name, 0)
            text = f"expected a place in {topic.name}/{assigned.partition} before {end}, given {redrive.partition} and {redrive.offset}"
            self._dead_letter(assigned, self._redrive_topic, given, "NO_PLACE", text, redrive.letter)
        else:
            self._handle(assigned, topic, given, redrive.letter)
        return redrive.timestamp

    def _handle(self, assigned: Assigned, topic: Topic, message: Consumed, redriven: str = "") -> None:
        place = (topic.name, message.partition(), message.offset())
        if (why := self._senseless.get(place)) is not None:
            self._bury(assigned, topic, message, "UNHANDLED", why, redriven)
            return
        try:
            received = received_from(message, topic, self._codec)
            effects = list(assigned.task.handle(received))
        except UnknownKindError:
            assigned.counted.append(("skipped", topic.name))
            return
        except InvalidEventError as error:
            self._bury(assigned, topic, message, error.reason, error.message, redriven)
            return
        except SENSELESS as error:
            raise self._failed_at(place, error) from error
        assigned.last = received
        if not redriven:
            self._note(assigned, topic, [False])
        try:
            for effect in effects:
                self._effect(assigned, effect, received, topic, message, redriven)
        except UnencodableError as error:
            raise self._failed_at(place, error) from error

    def _failed_at(self, place: tuple[str, int, int], error: Exception) -> SenselessError:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        why = cut(f"the service fails at it: {error!r} at {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
        self._senseless[place] = why
        return SenselessError(f"{place[0]}/{place[1]}/{place[2]}: {why}")

    def take_all(self, assigned: Assigned, topic: Topic, message: Consumed, waiting: list[Consumed]) -> bool:
        """Handle a message and its neighbours at once, if the task can; take those from ``waiting``, which has the next one last.

        ``False`` when the message is to be taken by itself; nothing has changed then.

        Raises
        ------
        RegistryUnavailableError, SenselessError
            As :meth:`take`.
        """
        task = assigned.bulk
        own = (topic.name, message.partition())
        if assigned.single or task is None or task.bulk.topic.name != topic.name or message.offset() < self._singly.get(own, 0):
            assigned.single = max(0, assigned.single - 1)
            return False
        self._prepare()
        place = (message.topic(), message.partition())
        messages = [message, *takewhile(lambda other: (other.topic(), other.partition()) == place, reversed(waiting))]
        records = self._codec.columns(topic, task.bulk.kind, [one.value() or b"" for one in messages], task.bulk.by)
        keys = [one.key() or b"" for one in messages]
        try:
            sends = None if records is None else task.handle_all(records, keys, lambda i: cause_of(messages[i], topic))
        except SENSELESS as error:
            self._singly[own] = messages[-1].offset() + 1
            raise SenselessError(f"{own[0]}/{own[1]}/{message.offset()} to {messages[-1].offset()}: {error!r}") from error
        if sends is None:
            self._metrics.single.labels(topic.name, "codec" if records is None else "task").inc(len(messages))
            assigned.single = len(messages) - 1
            return False
        del waiting[len(waiting) - len(messages) + 1 :]
        assigned.last = received_from(messages[-1], topic, self._codec)
        assigned.records += [self._record(send, assigned.last) for send in sends]
        self._note(assigned, topic, [False] * len(messages))
        stamps = [one.timestamp()[1] for one in messages]
        assigned.now = max(assigned.now, *stamps)
        assigned.handled += [(topic.name, stamp) for stamp in stamps]
        assigned.first.setdefault(topic.name, message.offset())
        assigned.end[topic.name] = messages[-1].offset() + 1
        return True

    def skip(self, assigned: Assigned, received: Received[Any]) -> None:
        """Go on behind records that are gone, as a skip says; the gap is an event, caused by it.

        Raises
        ------
        RegistryUnavailableError
            How the event begins cannot be had now; nothing has changed.
        """
        gap = gap_of(received.event)
        key = input_key(gap.service, gap.topic, gap.partition)
        assigned.records.append(self._event(topics.GAPS, key, gap, received.cause, "", None))
        assigned.end[gap.topic] = gap.end

    def close(self, assigned: Assigned) -> list[Record]:
        """Records of everything the task did since the last transaction, its state and checkpoint included."""
        for effect in assigned.task.flush():
            self._effect(assigned, effect, assigned.last, None, None)
        before = assigned.state.checkpoint
        known = {r.topic: r.end for r in before.ranges} | assigned.end
        checkpoint = Checkpoint(
            service=self._service,
            now=max(before.now, assigned.now),
            transaction=before.transaction + 1,
            ranges=tuple(
                OffsetRange(topic=name, partition=assigned.partition, first=assigned.first.get(name, end), end=end)
                for name, end in sorted(known.items())
            ),
        )
        assigned.state.put("", checkpoint)
        for key, event in assigned.state.drain():
            value = None if event is None else self._codec.encode(self._state_topic, event)
            assigned.records.append(Record(self._prefix + self._state_topic.name, key.encode(), value, [], assigned.partition))
        return assigned.records

    def _prepare(self) -> None:
        """Know how effects begin before there are any: once a task has handled a record, nothing may keep it from being sent."""
        if self._unprepared:
            self._codec.prepare(self._unprepared)
            self._unprepared = []

    def committed(self, assigned: Assigned) -> None:
        """Count what has taken effect and begin anew."""
        done = assigned.end
        kept = {at: why for at, why in self._senseless.items() if at[1] != assigned.partition or at[2] >= done.get(at[0], 0)}
        self._senseless = kept  # kept until then: two of them in one transaction would else take turns for ever
        now = time.time() * 1000
        for name, count in Counter(name for name, _ in assigned.handled).items():
            self._metrics.handled.labels(name).inc(count)
            age = self._metrics.age.labels(name)
            for stamp in (stamp for one, stamp in assigned.handled if one == name):
                age.observe(max(0.0, (now - stamp) / 1000))
        for kind, label in assigned.counted:
            if kind == "skipped":
                self._metrics.skipped.labels(label).inc()
            else:
                self._metrics.dead.labels(label, kind).inc()
        for name, outcomes in assigned.outcomes.items():
            self._guard.committed((name, assigned.partition), self._inputs[name], outcomes)
        assigned.first, assigned.records, assigned.handled, assigned.counted, assigned.outcomes = {}, [], [], [], {}

    def _effect(
        self,
        assigned: Assigned,
        effect: Effect,
        received: Received[Any] | None,
        topic: Topic | None,
        message: Consumed | None,
        redriven: str = "",
    ) -> None:
        match effect:
            case Send():
                assigned.records.append(self._record(effect, received))
            case Forward() if message is not None:
                headers = list((headers_of(message) | dict(effect.headers)).items())
                assigned.records.append(
                    Record(self._prefix + effect.topic.name, effect.key.encode(), message.value(), headers, effect.partition)
                )
            case Reject() if message is not None and topic is not None:
                self._dead_letter(assigned, topic, message, effect.reason, effect.message, redriven)
            case _:
                raise TypeError(f"{effect!r} belongs to a record, flush has none")

    def _record(self, send: Send, received: Received[Any] | None) -> Record:
        if send.event is None:
            return Record(self._prefix + send.topic.name, send.key.encode(), None, [], send.partition)
        cause = send.cause or (received.cause if received else None)
        trace = trace_of(received.headers, received.correlation) if received and cause and cause.id == received.id else ""
        return self._event(send.topic, send.key, send.event, cause, trace, send.partition)

    def _event(self, topic: Topic, key: str, event: Event, cause: Cause | None, trace: str, partition: int | None) -> Record:
        encoded = body(event)
        headers = event_headers(
            event, source=self._service, key=key, body=encoded, cause=cause, trace=trace, time_ms=int(time.time() * 1000)
        )
        value = self._codec.framed(topic, type(event), encoded)
        return Record(self._prefix + topic.name, key.encode(), value, list(headers.items()), partition)

    def _note(self, assigned: Assigned, topic: Topic, outcomes: list[bool]) -> None:
        if self._guard.watches(topic):
            assigned.outcomes.setdefault(topic.name, []).extend(outcomes)

    def _bury(self, assigned: Assigned, topic: Topic, message: Consumed, reason: str, text: str, redriven: str) -> None:
        """Dead-letter a record whole, within the limit; one that was redriven does not count."""
        if not redriven:
            self._guard.check(topic, assigned.partition, message.offset(), reason, assigned.outcomes.get(topic.name, []))
            self._note(assigned, topic, [True])
        self._dead_letter(assigned, topic, message, reason, text, redriven)

    def _dead_letter(self, assigned: Assigned, topic: Topic, message: Consumed, reason: str, text: str, redriven: str = "") -> None:
        letter = letter_of(self._service, topic, message, reason, text, redriven)
        key = letter.key.decode("utf-8", "replace")[:KEY_CHARACTERS]
        assigned.records.append(self._event(self._dead_topic, key, letter, cause_of(message, topic), "", assigned.partition))
        assigned.counted.append((reason, topic.name))


def agreement(checkpoint: Checkpoint, committed: Mapping[str, int], inputs: Iterable[str]) -> str:
    """Why a checkpoint and the group's committed offsets do not tell the same, or ``""``.

    Parameters
    ----------
    committed
        Offset by topic; a topic without one is absent.
    """
    ends = {r.topic: r.end for r in checkpoint.ranges}
    differing = [f"{name}: state {ends.get(name)}, group {committed.get(name)}" for name in inputs if ends.get(name) != committed.get(name)]
    return "; ".join(differing)

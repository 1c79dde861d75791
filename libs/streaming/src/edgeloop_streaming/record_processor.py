"""The processing of records: each one becomes effects, a dead letter, or an error that the loop acts on."""

from __future__ import annotations

import time
import traceback
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from edgeloop_contracts import Checkpoint, OffsetRange, Topic, topics
from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.codec import Codec, UndecodableError, UnencodableError, UnknownKindError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.dead_letters import RedrivenMessage
from edgeloop_kafka.received_record import RECORD_ERRORS, Received, cause_of, received_from

from edgeloop_streaming.assigned_partition import AssignedPartition, OutputRecord
from edgeloop_streaming.dead_letter_limits import DeadLetterGuard
from edgeloop_streaming.output_records import OutputEncoder
from edgeloop_streaming.tasks import Effect, Forward, Reject, Send
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.transactions import DoubtError


class FailedRecordError(DoubtError):
    """A task failed at a record and may have changed its state before, so the state is read again.

    The record comes again then. It becomes a dead letter (``UNHANDLED``) and does not reach the task.
    """


class RecordProcessor:
    """Turns messages into the records of a transaction.

    Invariants
    ----------
    - A record that raises leaves offsets, output and counts of its partition unchanged.
    - Each record of a partition is handled in the order of its offset, or not at all.
    - Nothing is counted before its transaction has committed.
    - Output can be encoded without the schema registry once a record has been handled.

    Parameters
    ----------
    service, inputs
        Name of the service and its input topics.
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
        self._service = service
        self._inputs = {topic.name: topic for topic in inputs}
        self._codec = codec
        self._prefix = prefix
        self._metrics = metrics
        self._guard = guard
        self._encoder = OutputEncoder(service, codec, prefix)
        self._redrive_topic = topics.redrive(service)
        self._failed: dict[tuple[str, int, int], str] = {}  # why, by place
        self._single_until: dict[tuple[str, int], int] = {}  # offsets up to which records are handled one by one, as one of them failed
        self._unprepared = [topic for topic in topics.all_topics() if topic.producer == service]

    def process(self, assigned: AssignedPartition, topic: Topic, message: ConsumerMessage) -> None:
        """Handle one record; its effects wait for the transaction.

        Raises
        ------
        BackpressureError
            The task cannot handle it yet, or it would exceed the limit of dead letters; nothing has changed.
        RegistryUnavailableError
            Its schema cannot be read now; nothing has changed.
        FailedRecordError
            The task failed at it.
        """
        self._prepare()
        stamp = message.timestamp()[1]
        if topic.name == self._redrive_topic.name:
            assigned.now = max(assigned.now, self._process_redriven(assigned, message))
        else:
            self._handle(assigned, topic, message)
            assigned.now = max(assigned.now, stamp)
        assigned.advance(topic.name, message.offset(), message.offset() + 1, [stamp])

    def process_batch(self, assigned: AssignedPartition, topic: Topic, message: ConsumerMessage, waiting: list[ConsumerMessage]) -> bool:
        """Handle a record and its neighbours at once, and remove these from ``waiting``, whose last message comes next.

        Returns
        -------
        bool
            ``False`` when the record is to be handled by :meth:`process`; nothing has changed then.

        Raises
        ------
        RegistryUnavailableError, FailedRecordError
            As :meth:`process`.
        """
        task = assigned.bulk
        own = (topic.name, message.partition())
        if assigned.single or task is None or task.bulk.topic.name != topic.name or message.offset() < self._single_until.get(own, 0):
            assigned.single = max(0, assigned.single - 1)
            return False
        self._prepare()
        place = (message.topic(), message.partition())
        messages = [message, *takewhile(lambda other: (other.topic(), other.partition()) == place, reversed(waiting))]
        records = self._codec.columns(topic, task.bulk.kind, [one.value() or b"" for one in messages], task.bulk.by)
        keys = [one.key() or b"" for one in messages]
        try:
            sends = None if records is None else task.handle_all(records, keys, lambda i: cause_of(messages[i], topic))
        except RECORD_ERRORS as error:
            self._single_until[own] = messages[-1].offset() + 1
            raise FailedRecordError(f"{own[0]}/{own[1]}/{message.offset()} to {messages[-1].offset()}: {error!r}") from error
        if sends is None:
            self._metrics.single.labels(topic.name, "codec" if records is None else "task").inc(len(messages))
            assigned.single = len(messages) - 1
            return False
        del waiting[len(waiting) - len(messages) + 1 :]
        assigned.last = received_from(messages[-1], topic, self._codec)
        assigned.records += [self._encoder.sent(send, assigned.last) for send in sends]
        self._note_outcomes(assigned, topic, [False] * len(messages))
        stamps = [one.timestamp()[1] for one in messages]
        assigned.now = max(assigned.now, *stamps)
        assigned.advance(topic.name, message.offset(), messages[-1].offset() + 1, stamps)
        return True

    def skip_gap(self, assigned: AssignedPartition, skip: Received[Any]) -> None:
        """Continue behind deleted records, as a skip allows; the gap becomes an event that the skip causes.

        Raises
        ------
        RegistryUnavailableError
            The event cannot be encoded now; nothing has changed.
        """
        topic, end, record = self._encoder.gap(skip)
        assigned.records.append(record)
        assigned.end[topic] = end

    def transaction_records(self, assigned: AssignedPartition) -> list[OutputRecord]:
        """Output since the last transaction, with the changes of the state and its checkpoint."""
        for effect in assigned.task.flush():
            self._encode(assigned, effect, assigned.last, None, None)
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
        assigned.records += [self._encoder.state(key, event, assigned.partition) for key, event in assigned.state.drain()]
        return assigned.records

    def committed(self, assigned: AssignedPartition) -> None:
        """Count the records of a committed transaction."""
        done = assigned.end
        # Kept until then: two failing records in one transaction would else take turns for ever.
        self._failed = {at: why for at, why in self._failed.items() if at[1] != assigned.partition or at[2] >= done.get(at[0], 0)}
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
        assigned.reset()

    def _prepare(self) -> None:
        """Look up the schema ids of all output: after a record is handled, nothing may keep its effects from being written."""
        if self._unprepared:
            self._codec.prepare(self._unprepared)
            self._unprepared = []

    def _process_redriven(self, assigned: AssignedPartition, message: ConsumerMessage) -> int:
        """Handle a redriven record as if it came from its original place; give back its original timestamp, so that no time passes."""
        try:
            redrive = received_from(message, self._redrive_topic, self._codec).event
        except UndecodableError as error:
            self._dead_letter(assigned, self._redrive_topic, message, error.reason, error.message)
            return 0
        # Whoever can write here can name any time, and time that has passed cannot be taken back.
        redrive = replace(redrive, timestamp=max(0, min(redrive.timestamp, message.timestamp()[1])))
        original = RedrivenMessage(redrive, self._prefix)
        topic = self._inputs.get(redrive.topic)
        if topic is None:
            text = f"expected a record of {', '.join(self._inputs)}, given one of {redrive.topic or 'no topic'}"
            self._dead_letter(assigned, self._redrive_topic, original, "NO_INPUT", text, redrive.letter)
        elif redrive.partition != assigned.partition or not 0 <= redrive.offset < assigned.end.get(topic.name, 0):
            end = assigned.end.get(topic.name, 0)
            text = f"expected a place in {topic.name}/{assigned.partition} before {end}, given {redrive.partition} and {redrive.offset}"
            self._dead_letter(assigned, self._redrive_topic, original, "NO_PLACE", text, redrive.letter)
        else:
            self._handle(assigned, topic, original, redrive.letter)
        return redrive.timestamp

    def _handle(self, assigned: AssignedPartition, topic: Topic, message: ConsumerMessage, redriven: str = "") -> None:
        place = (topic.name, message.partition(), message.offset())
        if (why := self._failed.get(place)) is not None:
            self._refuse(assigned, topic, message, "UNHANDLED", why, redriven)
            return
        try:
            received = received_from(message, topic, self._codec)
            effects = list(assigned.task.handle(received))
        except UnknownKindError:
            assigned.counted.append(("skipped", topic.name))
            return
        except InvalidEventError as error:
            self._refuse(assigned, topic, message, error.reason, error.message, redriven)
            return
        except RECORD_ERRORS as error:
            raise self._failure(place, error) from error
        assigned.last = received
        if not redriven:
            self._note_outcomes(assigned, topic, [False])
        try:
            for effect in effects:
                self._encode(assigned, effect, received, topic, message, redriven)
        except UnencodableError as error:
            raise self._failure(place, error) from error

    def _failure(self, place: tuple[str, int, int], error: Exception) -> FailedRecordError:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        why = cut(f"the service fails at it: {error!r} at {Path(frame.filename).name}:{frame.lineno} in {frame.name}")
        self._failed[place] = why
        return FailedRecordError(f"{place[0]}/{place[1]}/{place[2]}: {why}")

    def _encode(
        self,
        assigned: AssignedPartition,
        effect: Effect,
        received: Received[Any] | None,
        topic: Topic | None,
        message: ConsumerMessage | None,
        redriven: str = "",
    ) -> None:
        match effect:
            case Send():
                assigned.records.append(self._encoder.sent(effect, received))
            case Forward() if message is not None:
                assigned.records.append(self._encoder.forwarded(effect, message))
            case Reject() if message is not None and topic is not None:
                self._dead_letter(assigned, topic, message, effect.reason, effect.message, redriven)
            case _:
                raise TypeError(f"{effect!r} belongs to a record, flush has none")

    def _refuse(self, assigned: AssignedPartition, topic: Topic, message: ConsumerMessage, reason: str, text: str, redriven: str) -> None:
        """Make a whole record a dead letter, within the limit; a redriven record does not count."""
        if not redriven:
            self._guard.check(topic, assigned.partition, message.offset(), reason, assigned.outcomes.get(topic.name, []))
            self._note_outcomes(assigned, topic, [True])
        self._dead_letter(assigned, topic, message, reason, text, redriven)

    def _note_outcomes(self, assigned: AssignedPartition, topic: Topic, outcomes: list[bool]) -> None:
        if self._guard.watches(topic):
            assigned.outcomes.setdefault(topic.name, []).extend(outcomes)

    def _dead_letter(
        self, assigned: AssignedPartition, topic: Topic, message: ConsumerMessage, reason: str, text: str, redriven: str = ""
    ) -> None:
        assigned.records.append(self._encoder.dead_letter(topic, message, reason, text, assigned.partition, redriven))
        assigned.counted.append((reason, topic.name))

"""A service on the broker in memory."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

import structlog
from confluent_kafka import OFFSET_INVALID, TopicPartition
from edgeloop_contracts import topics
from edgeloop_errors import RetryableError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place, Received
from prometheus_client import CollectorRegistry

from edgeloop_streaming.assigned_partition import AssignedPartition, OutputRecord
from edgeloop_streaming.dead_letter_limits import RETRY_S, DeadLetterGuard, Limits
from edgeloop_streaming.halts import CHECK_S, Halts
from edgeloop_streaming.loop import BATCH
from edgeloop_streaming.record_processor import FailedRecordError, RecordProcessor
from edgeloop_streaming.service import Service
from edgeloop_streaming.state import State
from edgeloop_streaming.state_recovery import Restorer
from edgeloop_streaming.tasks import BackpressureError
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.testing.broker import MemoryBroker
from edgeloop_streaming.testing.clients import MemoryPartitionReader
from edgeloop_streaming.testing.logs import number_of


@dataclass(frozen=True, slots=True)
class Transaction:
    """Fate of some records.

    Attributes
    ----------
    written
        What was committed, state and dead letters included.
    paused
        Partitions whose record the task could not take yet.
    """

    written: list[ConsumerMessage] = field(default_factory=list[ConsumerMessage])
    paused: dict[Place, BackpressureError] = field(default_factory=dict[Place, BackpressureError])


class MemoryLoop:
    """Does with a :class:`MemoryBroker` what the loop of a process does with a real one, when it is told to.

    Parameters
    ----------
    service, broker
        What runs, and where.
    partitions
        What it handles; by default all. No group shares them out: a loop that was given a partition fences the one that had it.
    batch
        Most records in a transaction.
    limits
        Of dead letters; none by default.

    Attributes
    ----------
    assigned
        Task and state of each partition.
    metrics
        What the loop counts.
    """

    def __init__(
        self,
        service: Service,
        broker: MemoryBroker,
        *,
        partitions: Iterable[int] | None = None,
        batch: int = BATCH,
        limits: Limits | None = None,
    ) -> None:
        self._service = service
        self._broker = broker
        self._group = f"edgeloop-{service.name}"
        inputs = (*service.inputs, topics.redrive(service.name))
        counts = {topic.name: broker.partitions_of(topic.name) for topic in inputs}
        self._own = list(range(max(counts.values(), default=0)) if partitions is None else partitions)
        self._places = [(name, p) for name, count in counts.items() for p in self._own if p < count]
        self._batch = batch
        self.metrics = CollectorRegistry()
        self._metrics = LoopMetrics(self.metrics)
        clock = itertools.count(step=RETRY_S).__next__  # each look is a try
        guard = DeadLetterGuard(service.name, limits or Limits(), self._metrics.halted_by_letters, structlog.get_logger(), clock)
        self._processor = RecordProcessor(service.name, service.inputs, broker.codec, "", self._metrics, guard)
        self.restart()

    def restart(self) -> None:
        """A new process after the death of this one: everything is read from the topics, the state compacted before."""
        self._broker.compact(topics.state(self._service.name))
        self._broker.join(self._group, self._own, self)
        self._paused: dict[Place, BackpressureError] = {}
        self._halts = Halts(
            self._service.name,
            "",
            MemoryPartitionReader(self._broker).span,
            lambda: self._broker.table(topics.SKIPS),
            self._metrics.halted,
            structlog.get_logger(),
            clock=itertools.count(step=CHECK_S).__next__,
        )
        self._ended = False
        states, _ = self._restorer().restore(self._places)
        self.assigned: dict[int, AssignedPartition] = {}
        for p in self._own:
            state = states.get(p) or State()
            ends = {r.topic: r.end for r in state.checkpoint.ranges}
            self.assigned[p] = AssignedPartition(p, state, self._service.task(p, state), end=ends)

    def run(self, most: int = 10_000) -> int:
        """Handle records until none waits that can be handled; returns the number of transactions.

        Raises
        ------
        RuntimeError
            It does not come to rest within ``most`` transactions, or has ended by a crash before.
        """
        for done in range(most):
            if not self.step():
                return done
        raise RuntimeError(f"{self._service.name} does not come to rest: {most} transactions")

    def step(self) -> bool:
        """One transaction over what waits, in the order in which it was written; whether there was anything to commit.

        Raises
        ------
        FencedError
            Another loop has been given its partitions.
        """
        self._paused = {place: pressure for place, pressure in self._paused.items() if not pressure.ready()}
        skipped = [self._skip(place, record) for place, record in self._halts.allowed()]
        self._halt()
        reading = [place for place in self._places if place not in self._paused and place not in self._halts]
        waiting = [entry for name, p in reading for entry in self._broker.log(name, p).since(self.assigned[p].end.get(name, 0))]
        try:
            done = self.deliver([message for _, message in sorted(waiting, key=number_of)[: self._batch]])
        except FailedRecordError:
            self.restart()
            return True
        self._paused |= done.paused
        return bool(skipped or done.written)

    def _halt(self) -> None:
        for place in self._places:
            if place not in self._halts:
                self._halts.halt(place, self.assigned[place[1]].end.get(place[0]))

    def _skip(self, place: Place, record: Received[Any]) -> None:
        self._processor.skip_gap(self.assigned[place[1]], record)
        self._commit([self.assigned[place[1]]])
        self._halts.release(place)

    def deliver(self, messages: Iterable[ConsumerMessage]) -> Transaction:
        """Handle these records as one transaction."""
        if self._ended:
            raise RuntimeError("this process has ended: restart() it")
        paused: dict[Place, BackpressureError] = {}
        touched: dict[int, AssignedPartition] = {}
        self._ended = True
        waiting = list(messages)[::-1]
        while waiting:
            message = waiting.pop()
            place = cast("Place", (message.topic(), message.partition()))
            assigned, topic = self.assigned[place[1]], self._broker.topic(place[0])
            if place in paused:
                continue
            try:
                if not self._processor.process_batch(assigned, topic, message, waiting):
                    self._processor.process(assigned, topic, message)
                touched[place[1]] = assigned
            except FailedRecordError:
                raise
            except BackpressureError as pressure:
                paused[place] = pressure
            except RetryableError:
                paused[place] = BackpressureError(lambda: True)
        done = Transaction(self._commit(list(touched.values())), paused)
        self._ended = False
        return done

    def _commit(self, touched: list[AssignedPartition]) -> list[ConsumerMessage]:
        records: list[OutputRecord] = [record for assigned in touched for record in self._processor.transaction_records(assigned)]
        offsets = {(name, assigned.partition): end for assigned in touched for name, end in assigned.end.items()}
        written = self._broker.commit(self._group, self, records, offsets)
        for assigned in touched:
            self._processor.committed(assigned)
        return written

    def _restorer(self) -> Restorer:
        name, inputs = self._service.name, (*self._service.inputs, topics.redrive(self._service.name))
        group, reader = cast("Any", _Offsets(self._broker, self._group)), MemoryPartitionReader(self._broker)
        return Restorer(name, inputs, "", self._broker.codec, group, reader, lambda: None, structlog.get_logger())


class _Offsets:
    """The part of ``confluent_kafka.Consumer`` that :class:`Restorer` needs."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker = broker
        self._group = group

    def committed(self, asked: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        del timeout
        found = [(tp, self._broker.committed(self._group, tp.topic, tp.partition)) for tp in asked]
        return [TopicPartition(tp.topic, tp.partition, OFFSET_INVALID if offset is None else offset) for tp, offset in found]

"""The transactional loop: it consumes, handles and produces, one confirmed transaction after another."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaException, TopicPartition
from edgeloop_contracts import topics
from edgeloop_errors import RetryableError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_readers.follower import Follower
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_readers.table import Table

from edgeloop_streaming.assigned_partition import AssignedPartition, OutputRecord
from edgeloop_streaming.dead_letter_limits import DeadLetterGuard, Limits
from edgeloop_streaming.group_consumer import configuration, is_record
from edgeloop_streaming.halts import Halts
from edgeloop_streaming.host_load import Age, Pace
from edgeloop_streaming.lag import EVERY_MS, Lag
from edgeloop_streaming.membership import Membership
from edgeloop_streaming.paused_partitions import PausedPartitions, ready_again
from edgeloop_streaming.progress import Calls, Progress
from edgeloop_streaming.record_processor import RecordProcessor
from edgeloop_streaming.service import Service, task_of
from edgeloop_streaming.state_recovery import AGREE_S, Restorer
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.transactions import DoubtError, FencedError, TransactionalProducer

BATCH = 500
HANDLING_S = 0.5  # most work in a transaction, so that none takes longer than a second
OPEN_S = 4.0


class Loop:
    """The transactional loop of one process.

    Invariants
    ----------
    - Output, state and offsets of a record are committed together, or not at all.
    - A transaction begins only after the one before it is confirmed.
    - A partition's task has seen exactly the records before its committed offset, once the state is read.
    - A partition that is paused, halted or not assigned is never handled.

    Parameters
    ----------
    service, settings, codec, metrics, log
        Of the process.
    calls
        Counts calls that may hang, for a watchdog.
    """

    def __init__(
        self, service: Service, settings: KafkaSettings, codec: Codec, metrics: LoopMetrics, log: Any, calls: Calls | None = None
    ) -> None:
        self._service = service
        self._calls = calls
        self._settings = settings
        self._metrics = metrics
        self._log = log
        prefix = settings.topic_prefix
        inputs = (*service.inputs, topics.redrive(service.name))
        self._inputs = {prefix + topic.name: topic for topic in inputs}
        self._codec = codec
        guard = DeadLetterGuard(service.name, Limits.of(settings), metrics.halted_by_letters, log)
        self._processor = RecordProcessor(service.name, service.inputs, codec, prefix, metrics, guard)
        self._member = f"{prefix}edgeloop-{service.name}-{settings.instance}"
        self._tasks: dict[int, AssignedPartition] = {}
        self.assigned = False
        self.beat = time.monotonic()
        self._reader = PartitionReader(settings, wait_ms=5)
        self._consumer = Consumer(
            configuration(
                settings,
                f"{prefix}edgeloop-{service.name}",
                self._member,
                enable_partition_eof=True,
                fetch_queue_backoff_ms=10,
                fetch_wait_max_ms=100,
                queued_max_messages_kbytes=32_768,
                statistics_interval_ms=EVERY_MS,
            )
            | {"stats_cb": Lag(self._inputs, lambda: self._tasks, metrics.lag).update}
        )
        self._paused = PausedPartitions(self._consumer)
        self._halts = Halts(service.name, prefix, self._reader.span, self._skips, metrics.halted, log)
        self._membership = Membership(settings, f"{prefix}edgeloop-{service.name}", self._member, log)
        self._restorer = Restorer(service.name, inputs, settings.topic_prefix, codec, self._consumer, self._reader, self._on_restored, log)
        self.progress = Progress(self._reader.ends)
        self._pace = Pace()
        self._producer = self._opened_producer()

    def run(self, stopping: Callable[[], bool]) -> None:
        """Handle records until ``stopping()`` is true.

        Raises
        ------
        FencedError
            Another process took over.
        TornStateError
            State and committed offsets still disagree after half a minute.
        """
        self._consumer.subscribe(list(self._inputs), on_assign=self._on_assign, on_revoke=self._on_revoke, on_lost=self._on_lost)
        try:
            while not stopping():
                self._heartbeat()
                self._paused.resume_ready()
                self._check_progress()
                messages = self._poll(0.1)
                try:
                    self._producer.poll()
                    if messages:
                        self._handle(messages)
                    if self._halts.check(self._position):  # everything before is handled
                        self._reassign()
                    self._skip()
                except DoubtError as doubt:
                    self._recover(str(doubt))
        finally:
            self._consumer.close()
            self._reader.close()

    def _poll(self, timeout: float) -> list[ConsumerMessage]:
        first = self._consumer.poll(timeout)
        messages = [] if first is None else cast("list[ConsumerMessage]", [first, *self._consumer.consume(BATCH - 1, 0)])
        return [message for message in messages if is_record(message, self._halts, self._log, self.progress.at_end)]

    def _handle(self, messages: list[ConsumerMessage]) -> None:
        """Handle messages in as many transactions as their work needs."""
        waiting = list(reversed(messages))
        while waiting:
            touched: dict[int, AssignedPartition] = {}
            started = time.monotonic()
            while waiting and time.monotonic() - started < HANDLING_S:
                message = waiting.pop()
                place = (message.topic(), message.partition())
                assigned = self._tasks.get(message.partition())
                if assigned is None or place in self._paused or place in self._halts:
                    continue
                try:
                    topic = self._inputs[message.topic()]
                    if not self._processor.process_batch(assigned, topic, message, waiting):
                        self._processor.process(assigned, topic, message)
                    touched[message.partition()] = assigned
                except DoubtError:
                    raise
                except RetryableError as error:
                    self._paused.pause(message, ready_again(error, self._log))
            if touched:
                self._commit(list(touched.values()))

    def _skip(self) -> None:
        """Continue behind lost records where a skip allows it."""
        for place, record in self._halts.allowed():
            assigned = self._tasks[place[1]]
            try:
                self._processor.skip_gap(assigned, record)
            except RetryableError as error:
                self._log.warning("cannot skip yet", error=str(error))
                return
            self._commit([assigned])
            self._halts.release(place)
            self._log.warning("continues behind lost records", at=f"{place[0]}/{place[1]}/{record.event.end}", who=record.event.who)
            self._reassign()

    def _skips(self) -> Table:
        return Table(Follower(self._settings, self._codec, [topics.SKIPS]))

    def _position(self, place: Place) -> int | None:
        return self._tasks[place[1]].end.get(self._inputs[place[0]].name)

    def _reassign(self) -> None:
        """Read every partition from its task's next offset: the client does not seek in one that it has given up."""
        places = [(tp.topic, tp.partition) for tp in self._consumer.assignment()]
        positions = [(place, self._position(place)) for place in places if place[1] in self._tasks]
        self._consumer.assign([TopicPartition(*place, OFFSET_BEGINNING if at is None else at) for place, at in positions])

    def _commit(self, touched: list[AssignedPartition]) -> None:
        records: list[OutputRecord] = [record for assigned in touched for record in self._processor.transaction_records(assigned)]
        prefix = self._settings.topic_prefix
        offsets = [TopicPartition(prefix + name, a.partition, end) for a in touched for name, end in a.end.items()]
        with self._metrics.transactions.time():
            self._producer.begin()
            for record in records:
                self._producer.produce(record.topic, record.key, record.value, record.headers, record.partition)
            self._producer.commit(offsets, self._consumer.consumer_group_metadata())
        self.progress.committed()
        for assigned in touched:
            self._processor.committed(assigned)

    def _heartbeat(self) -> None:
        self.beat = time.monotonic()

    def _on_restored(self) -> None:
        self._heartbeat()
        self.progress.restored()

    def _check_progress(self) -> None:
        if self.assigned:
            try:
                self.progress.check(
                    {(tp.topic, tp.partition) for tp in self._consumer.assignment()} - self._paused.places - self._halts.places
                )
            except KafkaException as error:
                self._log.warning("cannot read end offsets", error=str(error))

    def _drop_tasks(self) -> None:
        self._tasks = {}
        self._paused.release()
        self._halts.clear()

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._drop_tasks()
        places = sorted({(tp.topic, tp.partition) for tp in partitions})
        self._membership.joined(consumer)
        consumer.assign(self._restore(places))
        self.assigned = True
        self._log.info("assigned", partitions=sorted({p for _, p in places}))

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        try:
            self._membership.check()
        except FencedError:
            consumer.unsubscribe()  # or it would join again and take the name back before this process ends
            raise
        self._on_revoke(consumer, partitions)

    def _on_revoke(self, _: Consumer, __: list[TopicPartition]) -> None:
        self._membership.left()
        self.assigned = False
        self._drop_tasks()

    def _recover(self, why: str) -> None:
        """Start from what is committed: a new producer, and the state read again."""
        self._metrics.recoveries.inc()
        self._log.warning("outcome in doubt: reading state again", why=why)
        self._drop_tasks()
        self._producer.drop()
        del self._producer
        self._producer = self._opened_producer()
        places = sorted((tp.topic, tp.partition) for tp in self._consumer.assignment())
        self._consumer.assign(self._restore(places))

    def _opened_producer(self) -> TransactionalProducer:
        """A producer that has fenced those before it. An attempt that hangs (lrk#5511) is given up early and repeated."""
        age, began = Age(AGREE_S), time.monotonic()
        while True:
            self._heartbeat()
            self._poll(0)  # serves the group; its messages are read again later
            try:
                if not self._membership.check():
                    raise DoubtError("the broker does not answer")
                producer = TransactionalProducer(self._settings, self._member, self._client_error, self._calls, pace=self._pace)
                producer.open(OPEN_S)
            except DoubtError as doubt:
                self._log.warning("no producer yet", why=str(doubt))
                age.tick()
                if age.of(began) > AGREE_S:
                    raise
                time.sleep(0.1)
            else:
                return producer

    def _client_error(self, text: str) -> None:
        self._metrics.client_errors.inc()
        self._log.warning("kafka client", error=text)

    def _restore(self, places: list[tuple[str, int]]) -> list[TopicPartition]:
        """Make the tasks of these partitions from the state topic; give back the offsets to read from."""
        states, committed = self._restorer.restore(places)
        for p, state in states.items():
            ends = {r.topic: r.end for r in state.checkpoint.ranges}
            self._tasks[p] = AssignedPartition(p, state, task_of(self._service, p, state), end=ends)
        return [TopicPartition(name, p, committed.get((name, p), OFFSET_BEGINNING)) for name, p in places]

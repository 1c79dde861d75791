"""Topics of their own prefix on a real cluster, and the loop in threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from edgeloop_contracts import Event, Topic
from edgeloop_contracts.registered import TEXTS
from edgeloop_contracts.topic import Partitions
from edgeloop_kafka.admin import Admin, TopicWanted, topic_config
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_streaming import Context, Service
from edgeloop_streaming.loop import Loop
from edgeloop_streaming.telemetry import LoopMetrics
from prometheus_client import CollectorRegistry
from support.broker import Cluster
from support.stages import PARTITIONS, TOPICS, Headers, Stage

PATIENCE_S = 20.0


class RealProcess:
    """The loop in a thread."""

    def __init__(self, loop: Loop, metrics: CollectorRegistry) -> None:
        self.metrics = metrics
        self._stopping = threading.Event()
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run, args=(loop,))
        self._thread.start()

    def _run(self, loop: Loop) -> None:
        try:
            loop.run(self._stopping.is_set)
        except Exception as error:
            self._error = error

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            if self._error is not None:
                raise self._error
            assert time.monotonic() < deadline, "it never came"
            time.sleep(0.005)

    def end(self) -> Exception:
        self._thread.join(PATIENCE_S)
        assert self._error is not None, "it goes on"
        return self._error

    def stop(self) -> None:
        self._stopping.set()
        self._thread.join()


class RealStage(Stage):
    """Topics of their own prefix on the session's cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._settings = cluster.settings(topics=False)
        self._context = Context(self._settings, "test")
        prefix = self._settings.topic_prefix
        wanted = [TopicWanted(t, PARTITIONS if t.partitions is Partitions.MANY else 1, 1, topic_config(t, 1)) for t in TOPICS]
        Admin(self._settings).create(wanted)
        self._await_leaders([(prefix + one.topic.name, p) for one in wanted for p in range(one.partitions)])
        for topic in TOPICS:
            for kind in topic.kinds:
                self._context.schemas.register(prefix + topic.subject(kind), TEXTS[kind.FULLNAME])
        super().__init__(self._context, self._context.publisher(), self._context.schemas, prefix)

    def _await_leaders(self, places: list[tuple[str, int]]) -> None:
        """A broker learns of new topics and its leadership shortly after the controller has made them."""
        reader = PartitionReader(self._settings)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                reader.ends(places)
                break
            except KafkaException:
                assert time.monotonic() < deadline, "the topics have no leaders"
                time.sleep(0.05)
        reader.close()

    def produce(
        self, topic: Topic, key: bytes | None, value: bytes | None, headers: Headers = (), partition: int | None = None, time_ms: int = 0
    ) -> str:
        told: list[str] = []
        producer = Producer({**self._settings.librdkafka(), "message.max.bytes": 8 << 20, "partitioner": "murmur2_random"})
        place = {} if partition is None else {"partition": partition}
        producer.produce(
            self.prefix + topic.name,
            value,
            key,
            headers=list(headers),
            timestamp=time_ms,
            on_delivery=lambda error, _: told.append("" if error is None else error.name()),
            **place,
        )
        assert producer.flush(30) == 0
        return told[0]

    def start(self, service: Service, instance: str = "0", most_dead: int = 0) -> RealProcess:
        metrics = CollectorRegistry()
        settings = self._settings.model_copy(update={"instance": instance, "dead_letter_run": most_dead})
        process = RealProcess(Loop(service, settings, self._context.codec, LoopMetrics(metrics), self._context.log), metrics)
        self._closing.append(process.stop)
        return process

    def delete_before(self, topic: Topic, partition: int, offset: int) -> None:
        place = TopicPartition(self.prefix + topic.name, partition, offset)
        admin = AdminClient(self._settings.librdkafka())
        for answer in admin.delete_records([place]).values():
            answer.result()

    def abort(self, topic: Topic, key: str, event: Event) -> None:
        producer = Producer({**self._settings.librdkafka(), "transactional.id": f"{self.prefix}aborting", "partitioner": "murmur2_random"})
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(self.prefix + topic.name, self.clients.codec.encode(topic, event), key.encode())
        producer.flush(30)
        producer.abort_transaction(30)

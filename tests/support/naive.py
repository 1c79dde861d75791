"""The loop of librdkafka's documentation, which shows that the checker finds errors: retry, abort and rewind, keep the producer.

Forwards observations as they are and writes a checkpoint, in one transaction with the offsets, as the toy does.
"""

from __future__ import annotations

import signal
import sys
import time
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from edgeloop_contracts import Checkpoint, OffsetRange, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context

SERVICE = "ingestion"
BATCH = 100


class Naive:
    """Consume, produce, commit."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._codec = Context(settings, SERVICE).codec
        self._raw = settings.topic_prefix + topics.OBSERVATIONS_RAW.name
        self._out = settings.topic_prefix + topics.OBSERVATIONS.name
        self._state = settings.topic_prefix + topics.state(SERVICE).name
        self._base = {"bootstrap.servers": settings.bootstrap, "log_level": 2}
        group = f"{settings.topic_prefix}edgeloop-{SERVICE}"
        own = {
            "enable.auto.commit": False,
            "auto.offset.reset": "earliest",
            "isolation.level": "read_committed",
            "session.timeout.ms": 6_000,
        }
        self._consumer = Consumer({**self._base, **own, "group.id": group})
        # The same time-outs as ours, so that both meet the same faults.
        limits = {"socket.timeout.ms": 2_000, "transaction.timeout.ms": 10_000, "message.timeout.ms": 8_000}
        self._producer = Producer({**self._base, **limits, "transactional.id": f"{group}-0", "partitioner": "murmur2_random"})
        self._producer.init_transactions(20)
        self._checkpoints: dict[int, Checkpoint] = {}
        self.running = True

    def run(self) -> None:
        """Work until stopped; a fatal error ends the process."""
        self._consumer.subscribe([self._raw], on_assign=lambda _, parts: self._remember([tp.partition for tp in parts]))
        while self.running:
            messages = [m for m in self._consumer.consume(BATCH, 0.05) if m.error() is None]
            if messages:
                try:
                    self._transaction(messages)
                except KafkaException as error:
                    self._failed(error.args[0])
        self._consumer.close()

    def _transaction(self, messages: list[Message]) -> None:
        self._producer.begin_transaction()
        after = dict(self._checkpoints)
        for message in messages:
            place = f"{topics.OBSERVATIONS_RAW.name}/{message.partition()}/{message.offset()}"
            self._producer.produce(self._out, message.value(), message.key(), headers={"ce_causationat": place.encode()})
            self._producer.poll(0)
        for p in {m.partition() for m in messages}:
            own = [m.offset() for m in messages if m.partition() == p]
            place = OffsetRange(topic=topics.OBSERVATIONS_RAW.name, partition=p, first=own[0], end=own[-1] + 1)
            number = after[p].transaction + 1 if p in after else 1
            after[p] = Checkpoint(service=SERVICE, transaction=number, ranges=(place,))
            self._producer.produce(self._state, self._codec.encode(topics.state(SERVICE), after[p]), b"Checkpoint/", partition=p)
        positions = self._consumer.position(self._consumer.assignment())
        self._retried(self._producer.send_offsets_to_transaction, positions, self._consumer.consumer_group_metadata())
        self._retried(self._producer.commit_transaction)
        self._checkpoints = after

    def _retried(self, call: Any, *arguments: Any) -> Any:
        while True:
            try:
                return call(*arguments)
            except KafkaException as error:
                if not error.args[0].retriable():
                    raise
                time.sleep(0.05)

    def _failed(self, error: KafkaError) -> None:
        print("naive:", error, file=sys.stderr)
        if not error.txn_requires_abort():
            raise KafkaException(error)
        self._retried(self._producer.abort_transaction)
        for place in self._consumer.committed(self._consumer.assignment(), timeout=20):
            self._consumer.seek(TopicPartition(place.topic, place.partition, max(place.offset, 0)))

    def _remember(self, partitions: list[int]) -> None:
        """Read the newest checkpoint of each partition."""
        reader = Consumer({**self._base, "group.id": "naive", "enable.partition.eof": True, "isolation.level": "read_committed"})
        reader.assign([TopicPartition(self._state, p, 0) for p in partitions])
        left = set(partitions)
        while left:
            message = reader.poll(1)
            if message is None:
                continue
            if message.error() is not None:
                left.discard(message.partition())
                continue
            checkpoint = self._codec.decode(topics.state(SERVICE), message.value() or b"")
            assert isinstance(checkpoint, Checkpoint)
            self._checkpoints[message.partition()] = checkpoint
        reader.close()


def main() -> None:
    """Entry point."""
    naive = Naive(KafkaSettings())
    signal.signal(signal.SIGTERM, lambda *_: setattr(naive, "running", False))
    naive.run()


if __name__ == "__main__":
    main()

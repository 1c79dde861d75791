"""Equality of transactions, to the byte, whether their rows were taken at once or one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from edgeloop_admission import Rules
from edgeloop_contracts import Feature, ObservationRow, StreamDefinition, topics
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_kafka import Codec
from edgeloop_streaming import State
from edgeloop_streaming.assigned_partition import AssignedPartition, OutputRecord
from edgeloop_streaming.dead_letter_limits import DeadLetterGuard, Limits
from edgeloop_streaming.record_processor import RecordProcessor
from edgeloop_streaming.telemetry import LoopMetrics
from edgeloop_streaming.testing.schemas import MemorySchemas
from prometheus_client import CollectorRegistry
from support.speakers import EVERYBODY

TOPIC = topics.OBSERVATION_ROWS_RAW
RULES = {
    "default/pumps": Rules.of(
        StreamDefinition(tenant="default", stream="pumps", version=1, features=(Feature(name="x"), Feature(name="y")))
    )
}


@dataclass
class Raw:
    """What the loop asks of a Kafka message."""

    data: bytes
    place: int
    named: list[tuple[str, bytes]]

    def topic(self) -> str:
        return TOPIC.name

    def partition(self) -> int:
        return 0

    def offset(self) -> int:
        return self.place

    def timestamp(self) -> tuple[int, int]:
        return 1, 1_000 + self.place

    def key(self) -> bytes:
        return b"k"

    def value(self) -> bytes:
        return self.data

    def headers(self) -> list[tuple[str, bytes]]:
        return self.named


def raw(codec: Codec, place: int, device: str, seq: int, value: float = 1.0) -> Raw:
    row = ObservationRow(tenant="default", stream="pumps", device_id=device, boot_epoch=1, seq=seq, features=(value, 2.0))
    trace = f"00-{place:032x}-{place:016x}-01".encode()
    return Raw(codec.encode(TOPIC, row), place, [("traceparent", trace)] if place % 2 else [])


def transaction(codec: Codec, messages: list[Raw], *, at_once: bool) -> tuple[list[OutputRecord], int]:
    metrics = LoopMetrics(CollectorRegistry())
    guard = DeadLetterGuard("ingestion", Limits(), metrics.halted_by_letters, structlog.get_logger())
    processor = RecordProcessor("ingestion", (TOPIC,), codec, "", metrics, guard)
    state = State()
    assigned = AssignedPartition(0, state, IngestionTask(0, 1, state, RULES.get, Metrics(CollectorRegistry()), EVERYBODY))
    waiting: list[Any] = list(reversed(messages))
    alone = 0
    while waiting:
        message = waiting.pop()
        if not at_once or not processor.process_batch(assigned, TOPIC, message, waiting):
            processor.process(assigned, TOPIC, message)
            alone += 1
    return processor.transaction_records(assigned), alone


def plain(record: OutputRecord) -> tuple[object, ...]:
    return record.topic, record.key, record.value, [pair for pair in record.headers if pair[0] != "ce_time"], record.partition


@pytest.mark.parametrize(("value", "alone"), [(3.0, 0), (float("inf"), 60)])
def test_the_records_of_a_transaction_do_not_depend_on_how_its_rows_were_taken(value: float, alone: int) -> None:
    codec = Codec(MemorySchemas(topics.all_topics()))
    messages = [raw(codec, i, f"d{i % 3}", i // 3, value if i == 31 else 1.0) for i in range(60)]
    together, singly = transaction(codec, messages, at_once=True), transaction(codec, messages, at_once=False)
    assert list(map(plain, together[0])) == list(map(plain, singly[0]))
    assert (together[1], singly[1]) == (alone, 60)

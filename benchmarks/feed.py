"""Input of the pipeline: a stream that drifts half-way, as records that are encoded in advance."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from confluent_kafka import Producer
from edgeloop_contracts import Label, ObservationBatch, ObservationRow, StreamKey, Topic, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context

from benchmarks.samples import CLASSES, STREAM, batch, definition, values

BATCH_ROWS = 32
BLOCK_ROWS = 50  # the block of the drift service's inputs
DEVICES = 16
SHIFT = 3.0  # shift of the inputs half-way, in standard deviations


class Case(StrEnum):
    """Forms of input."""

    BATCHES = f"batches of {BATCH_ROWS}"
    LABELLED = f"batches of {BATCH_ROWS}, each row labelled"
    ROWS = "single rows"


@dataclass(frozen=True, slots=True)
class Feed:
    """Encoded records in the order in which they are sent.

    Attributes
    ----------
    rows
        Number of rows in all.
    records
        Topic's full name, key and value.
    """

    rows: int
    records: list[tuple[str, bytes, bytes]]

    @property
    def blocks(self) -> int:
        """Blocks of inputs that detection will have read at the end."""
        return self.rows // BLOCK_ROWS

    def send(self, settings: KafkaSettings) -> None:
        """Produce everything at full speed."""
        producer = Producer(
            {
                **settings.librdkafka(),
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 5,
                "compression.type": "lz4",
                "queue.buffering.max.messages": 1_000_000,
            }
        )
        for topic, key, value in self.records:
            producer.produce(topic, key=key, value=value)
        assert producer.flush(120) == 0


def define(context: Context) -> None:
    """Publish the stream's definition, and wait for it."""
    publisher = context.publisher()
    publisher.publish(topics.STREAMS, StreamKey("default", STREAM), definition())
    assert publisher.flush(30) == 0


def make(context: Context, case: Case, rows: int) -> Feed:
    """Rows of some devices, a whole number of blocks each, and about as many as requested."""
    own = max(1, round(rows / DEVICES / BLOCK_ROWS)) * BLOCK_ROWS
    records = [
        (context.settings.topic_prefix + topic.name, topics.OBSERVATIONS_RAW.key_of(event).encode(), context.codec.encode(topic, event))
        for topic, event in _events(case, own)
    ]
    return Feed(own * DEVICES, records)


def _events(case: Case, own: int) -> Iterator[tuple[Topic, ObservationBatch | ObservationRow | Label]]:
    devices = {f"pump-{i}": _drifting(own, i) for i in range(DEVICES)}
    for first in range(0, own, BATCH_ROWS):
        for device, rows in devices.items():
            part = rows[first : first + BATCH_ROWS]
            if case is Case.ROWS:
                for i, row in enumerate(part.astype(float).tolist(), first):
                    yield (
                        topics.OBSERVATION_ROWS_RAW,
                        ObservationRow(tenant="default", stream=STREAM, device_id=device, boot_epoch=1, seq=i, features=tuple(row)),
                    )
                continue
            yield topics.OBSERVATIONS_RAW, batch(first, part, device)
            if case is Case.LABELLED:
                for seq in range(first, first + len(part)):
                    # The model always answers the first class, which is right in 9 of 10 rows, and after the change in 5 of 10.
                    wrong = seq % 10 == 0 if seq < own // 2 else seq % 2 == 0
                    yield (
                        topics.LABELS_RAW,
                        Label(tenant="default", stream=STREAM, device_id=device, boot_epoch=1, seq=seq, label=CLASSES[wrong]),
                    )


def _drifting(rows: int, seed: int) -> np.ndarray:
    made = values(rows, seed)
    made[rows // 2 :] += SHIFT
    return made

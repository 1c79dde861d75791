"""Savings and costs of compression for a producer: processor time and bytes on the wire, for batches of rows and for a forest's chunks.

Each variant sends the same records with librdkafka, as our producers do. Bytes are those written to the broker's sockets, divided by those of the
records. Processor time is that of the whole process per MB of records. ``OURS`` marks the codec of our producers; the broker compresses chunks of
models again, by the setting of their topic.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from confluent_kafka import Producer
from edgeloop_contracts import ModelChunk, Topic, topics
from edgeloop_kafka import KafkaSettings, body

from benchmarks.cluster import PARTITIONS, cluster, fresh
from benchmarks.consume import produce
from benchmarks.figures import Figure, Kind, figure
from benchmarks.mixture import FITTED, forest, stream
from benchmarks.rounds import Sample, interleaved
from benchmarks.samples import batch, values

CODECS: dict[str, dict[str, str | int]] = {
    "none": {"compression.type": "none"},
    "lz4": {"compression.type": "lz4"},
    "gzip, level 1": {"compression.type": "gzip", "compression.level": 1},
    "gzip, level 6": {"compression.type": "gzip", "compression.level": 6},
    "zstd, level 3": {"compression.type": "zstd", "compression.level": 3},
}
BATCH_ROWS = 32
CHUNK = 512 << 10


def run(*, quick: bool) -> list[Figure]:
    """Bytes and processor time by codec, for each kind of record."""
    megabytes, rounds = (1, 1) if quick else (16, 3)
    figures: list[Figure] = []
    with cluster() as where:
        settings = fresh(where, (topics.OBSERVATIONS, topics.MODEL_CHUNKS))
        for name, topic, records in (
            ("batches of 32 rows", topics.OBSERVATIONS, _batches()),
            ("chunks of a forest", topics.MODEL_CHUNKS, _chunks()),
        ):
            shares: dict[str, list[float]] = {codec: [] for codec in CODECS}
            variants = {codec: _variant(settings, topic, records, codec, megabytes << 20, shares[codec]) for codec in CODECS}
            measured = interleaved(variants, rounds)
            for codec, sample in measured.items():
                share = Sample(tuple(shares[codec]))
                figures.append(figure(f"compression/{name}: bytes with {codec}", share, "%", Kind.RESOURCE, lower_is_better=True))
                figures.append(figure(f"compression/{name}: time with {codec}", sample, "ms/MB", Kind.RESOURCE, lower_is_better=True))
    return figures


def _batches() -> list[bytes]:
    rounded = [batch(i * BATCH_ROWS, values(BATCH_ROWS, i).round(2)) for i in range(2_000)]
    return [body(event) for event in rounded]


def _chunks() -> list[bytes]:
    features, labels = stream()
    file, _ = forest(features[:FITTED], labels[:FITTED])
    digest = hashlib.sha256(file).hexdigest()
    parts = [file[at : at + CHUNK] for at in range(0, len(file), CHUNK)]
    return [body(ModelChunk(digest=digest, index=i, total=len(parts), size=len(file), data=part)) for i, part in enumerate(parts)]


def _variant(
    settings: KafkaSettings, topic: Topic, records: list[bytes], codec: str, wanted: int, shares: list[float]
) -> Callable[[], float]:
    def measure() -> float:
        sent = {"bytes": 0}

        def on_statistics(text: str) -> None:
            known: Any = json.loads(text)
            sent["bytes"] = sum(broker["txbytes"] for broker in known["brokers"].values())

        producer = Producer(
            {
                **settings.librdkafka(),
                "enable.idempotence": True,
                "linger.ms": 5,
                "message.max.bytes": 8 << 20,
                "statistics.interval.ms": 20,
                "stats_cb": on_statistics,
                **CODECS[codec],
            }
        )
        producer.list_topics(timeout=10)
        given, count, began = 0, 0, time.process_time()
        while given < wanted:
            value = records[count % len(records)]
            produce(producer, settings.topic_prefix + topic.name, value, f"default/pumps/pump-{count % 8}", count % PARTITIONS)
            given, count = given + len(value), count + 1
        assert producer.flush(120) == 0
        spent = time.process_time() - began
        before = -1
        while sent["bytes"] != before:  # waits for the last statistics
            before = sent["bytes"]
            producer.poll(0.1)
        shares.append(100 * sent["bytes"] / given)
        return 1000 * spent / (given / 1e6)

    return measure

"""Bytes to rows and back: our batches and rows against fastavro's rows and Confluent's serializers.

fastavro reads and writes one row per record with a parsed schema, which is its fastest way. Confluent's serializers cache their schemas too,
and use Confluent's registry in memory. Each is decoded to the form that a program needs next: our batch to a float32 matrix, our single row to
its typed event, our rows at once to columns, as in ingestion, and theirs to a dict.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext
from edgeloop_contracts import ObservationBatch, ObservationRow, Topic, topics
from edgeloop_kafka import Codec

from benchmarks.figures import Figure, Kind, figure
from benchmarks.rounds import Sample, interleaved, rate
from benchmarks.samples import FEATURES, Registry, batch, single_rows, values

SIZES = (8, 32, 256, 1000)
AIMED = 256  # the batch of the aim; smaller ones gain less, since each record has a header
POLLED = (100, 500)  # rows that a service reads from Kafka at once: a few, and the maximum
BATCHES_AIM, ROWS_AIM = 100.0, 5.0
BASE = "fastavro row"
ROW_GROUP = ("tenant", "stream", "device_id", "boot_epoch")


def run(*, quick: bool) -> list[Figure]:
    """Ratios to fastavro's rows, decoding and encoding."""
    rows = single_rows(64 if quick else 1000)
    seconds, rounds = (0.003, 2) if quick else (0.25, 9)
    figures: list[Figure] = []
    for direction, variants in (("decode", _decoders(rows)), ("encode", _encoders(rows))):
        measured = interleaved({name: rate(count, work, seconds) for name, (count, work) in variants.items()}, rounds)
        figures += _figures(direction, measured)
    return figures


def _figures(direction: str, measured: dict[str, Sample]) -> list[Figure]:
    base = measured[BASE]
    figures: list[Figure] = []
    for name, sample in measured.items():
        aim = BATCHES_AIM if name == f"batch of {AIMED}" else ROWS_AIM if name == f"our rows, {POLLED[-1]} at once" else None
        if name == BASE:
            figures.append(figure(f"codec/{direction}: {name}", sample, "rows/s", Kind.RATE))
        else:
            note = number_of(sample)
            figures.append(figure(f"codec/{direction}: {name} over {BASE}", sample.over(base), "x", Kind.RATIO, aim=aim, note=note))
    return figures


def number_of(sample: Sample) -> str:
    """The absolute rate of a ratio."""
    from benchmarks.table import number

    return number(sample.median, "rows/s")


Variants = dict[str, tuple[int, Callable[[], object]]]


def _decoders(rows: list[ObservationRow]) -> Variants:
    codec = Codec(Registry())
    topic = topics.OBSERVATION_ROWS_RAW
    framed = [codec.encode(topic, row) for row in rows]
    bodies = [data[5:] for data in framed]
    schema = fastavro.parse_schema(json.loads(ObservationRow.SCHEMA))
    serialize, deserialize, context = _confluent(topic)
    theirs = [serialize(row.as_dict(), context) for row in rows]
    variants: Variants = {
        BASE: (len(rows), lambda: [fastavro.schemaless_reader(BytesIO(data), schema, None) for data in bodies]),
        "Confluent row": (len(rows), lambda: [deserialize(data, context) for data in theirs]),
        "our row, one at a time": (len(rows), lambda: [codec.decode(topic, data) for data in framed]),
    }
    for size in (len(rows),) if len(rows) < POLLED[0] else POLLED:
        some = framed[:size]
        variants[f"our rows, {size} at once"] = (size, lambda some=some: codec.columns(topic, ObservationRow, some, ROW_GROUP))
    for size in SIZES:
        for bare in (True, False):
            data = codec.encode(topics.OBSERVATIONS_RAW, batch(0, values(size), bare=bare))
            variants[_batch_name(size, bare=bare)] = (size, lambda data=data: matrix_of(codec, data))
    return variants


def _encoders(rows: list[ObservationRow]) -> Variants:
    codec = Codec(Registry())
    topic = topics.OBSERVATION_ROWS_RAW
    schema = fastavro.parse_schema(json.loads(ObservationRow.SCHEMA))
    serialize, _, context = _confluent(topic)
    dicts = [row.as_dict() for row in rows]

    def write(fields: dict[str, Any]) -> bytes:
        out = BytesIO()
        fastavro.schemaless_writer(out, schema, fields)
        return out.getvalue()

    variants: Variants = {
        BASE: (len(rows), lambda: [write(fields) for fields in dicts]),
        "Confluent row": (len(rows), lambda: [serialize(fields, context) for fields in dicts]),
        "our row, one at a time": (len(rows), lambda: [codec.encode(topic, row) for row in rows]),
    }
    for size in SIZES:
        for bare in (True, False):
            event = batch(0, values(size), bare=bare)
            variants[_batch_name(size, bare=bare)] = (size, lambda event=event: codec.encode(topics.OBSERVATIONS_RAW, event))
    return variants


def _batch_name(size: int, *, bare: bool) -> str:
    return f"batch of {size}" if bare else f"batch of {size} with times and answers"


def matrix_of(codec: Codec, data: bytes) -> np.ndarray:
    """Decode a batch as far as its float32 matrix."""
    event = codec.decode(topics.OBSERVATIONS_RAW, data)
    assert isinstance(event, ObservationBatch)
    return np.frombuffer(event.features, dtype="<f4").reshape(event.count, FEATURES)


def _confluent(topic: Topic) -> tuple[Any, Any, SerializationContext]:
    # Its classes overload __new__, which type checkers do not follow.
    client = SchemaRegistryClient.new_client({"url": "mock://benchmarks"})
    serializer: Any = AvroSerializer
    deserializer: Any = AvroDeserializer
    return serializer(client, ObservationRow.SCHEMA), deserializer(client), SerializationContext(topic.name, MessageField.VALUE)

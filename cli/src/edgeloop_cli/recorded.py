"""Recorded rows of the topic ``examples`` as a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from edgeloop_contracts import ExampleBatch, StreamDefinition, StreamKey, topics
from edgeloop_readers import RangeGoneError
from edgeloop_replay.tables.stream_table import StreamTable
from edgeloop_streaming import Context

from edgeloop_cli import connection
from edgeloop_cli.errors import RefusedError

Row = tuple[int, int, int, int]
"""Time, partition, offset and place in its batch."""


def read_recorded(
    topic: str, tenant: str, stream: str, offsets: Sequence[str], bootstrap: str, schema_registry: str, data_dir: Path
) -> StreamTable:
    """The labelled rows of a stream, in the order in which their labels came.

    Parameters
    ----------
    topic
        ``examples``.
    offsets
        Ranges as ``PARTITION:FIRST:END``; all that there is where none is given.

    Raises
    ------
    RefusedError
        No such topic or stream, ranges that are none, or rows that have been deleted.
    """
    if topic != topics.EXAMPLES.name:
        raise RefusedError(f"--topic {topic}: labelled rows are in {topics.EXAMPLES.name}")
    if not stream:
        raise RefusedError("--name STREAM is missing: which stream of the topic?")
    wanted = [_range(text) for text in offsets]
    context = connection.required(data_dir, bootstrap, schema_registry).context("backtest")
    found = _batches(context, tenant, stream, wanted)
    rows: dict[tuple[str, int, int], tuple[Row, np.ndarray, str]] = {}
    width = 0
    for place, batch in found:
        features = np.frombuffer(batch.features, "<f4").reshape(len(batch.labels), -1)
        width = width or features.shape[1]
        if features.shape[1] != width:
            raise RefusedError(f"{topic}/{place[1]}/{place[2]}: rows of {features.shape[1]} features; earlier ones have {width}")
        for i, seq in enumerate(batch.seqs):
            name = (batch.device_id, batch.boot_epoch, seq)
            # A row that was labelled anew keeps its place.
            at = rows[name][0] if name in rows else (*place, i)
            rows[name] = (at, features[i], batch.labels[i])
    if not rows:
        raise RefusedError(f"{topic}: there are no labelled rows of {StreamKey(tenant, stream)} there")
    ordered = sorted(rows.values(), key=lambda row: row[0])
    matrix = np.array([features for _, features, _ in ordered], np.float32)
    nullable = tuple(bool(np.isnan(column).any()) for column in matrix.T)
    labels = tuple(label for *_, label in ordered)
    known = _definition(context, StreamKey(tenant, stream))
    categories = tuple(feature.categories for feature in known.features)
    return StreamTable(
        tuple(f"f{i}" for i in range(width)),
        matrix,
        nullable,
        "label",
        labels,
        known.tolerance,
        categories if len(categories) == width and any(categories) else (),
    )


def _definition(context: Context, key: str) -> StreamDefinition:
    """Of the stream; an empty one where there is none any more."""
    table = context.table(topics.STREAMS)
    table.refresh()
    definition = table.get(key)
    return definition.event if definition else StreamDefinition(tenant="default", stream="")


def _batches(
    context: Context, tenant: str, stream: str, wanted: Sequence[tuple[int, int, int]]
) -> list[tuple[tuple[int, int, int], ExampleBatch]]:
    reader = context.reader()
    try:
        spans = reader.spans(topics.EXAMPLES)
        missing = [partition for partition, _, _ in wanted if partition not in spans]
        if missing:
            raise RefusedError(f"{topics.EXAMPLES.name} has the partitions {sorted(spans)}; there is no {missing[0]}")
        ranges = wanted or [(partition, *span) for partition, span in spans.items()]
        found: list[tuple[tuple[int, int, int], ExampleBatch]] = []
        for partition, first, end in ranges:
            for record in reader.read(topics.EXAMPLES, partition, first, min(end, spans[partition][1])):
                match record.event:
                    case ExampleBatch() as batch if (batch.tenant, batch.stream) == (tenant, stream):
                        found.append(((record.timestamp, partition, record.offset), batch))
                    case _:
                        pass
    except LookupError as error:
        raise RefusedError(str(error)) from None
    except RangeGoneError as error:
        raise RefusedError(f"rows have been deleted: {error}") from None
    finally:
        reader.close()
    return found


def _range(text: str) -> tuple[int, int, int]:
    parts = text.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts) or int(parts[1]) >= int(parts[2]):
        raise RefusedError(f"--offsets {text}: expected PARTITION:FIRST:END with FIRST before END")
    return int(parts[0]), int(parts[1]), int(parts[2])

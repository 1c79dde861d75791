"""Batches in the outbox's file: Avro bodies, and the schemas that they were written with."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any, cast

import apsw
import numpy as np
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.sqlite_pages import in_pages
from edgeloop_kafka import body
from edgeloop_kafka.schema_lookup import WrittenSchema
from edgeloop_kafka.writer_schemas import Writer, bound

from edgeloop_inference.core.rows import StoredRows

TABLES = """
create table if not exists batches(
    place integer primary key, first_seq integer not null, stream text not null, count integer not null, size integer not null,
    schema integer not null, body blob not null);
create table if not exists schemas(id integer primary key, text text not null unique);
"""
INSERT = "insert into batches(place, first_seq, stream, count, size, schema, body) values(?, ?, ?, ?, ?, ?, ?)"
SELECT = "select place, first_seq, schema, body from batches where place > ? order by place limit ?"
ENTRY = 32  # an entry's numbers
SIZE = 2  # its place among the columns


def own_schema(connection: apsw.Connection) -> int:
    """Number in the file of the schema that this code writes with."""
    connection.execute("insert or ignore into schemas(text) values(?)", (ObservationBatch.SCHEMA,))
    ((own,),) = connection.execute("select id from schemas where text = ?", (ObservationBatch.SCHEMA,)).fetchall()
    return cast("int", own)


def columns(batch: ObservationBatch, schema: int) -> tuple[Any, ...]:
    """Columns of a batch besides its place and its first number."""
    encoded = body(batch)
    return (batch.stream, batch.count, in_pages(len(encoded) + len(batch.stream) + ENTRY), schema, encoded)


class BatchReader:
    """Reads batches, also those that were written with the schema of another release.

    Parameters
    ----------
    connection
        To the outbox's file.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._writers: dict[int, Writer] = {}

    def after(self, place: int, limit: int) -> list[StoredRows]:
        """Batches behind a place, oldest first."""
        found: list[Any] = self._connection.execute(SELECT, (place, limit)).fetchall()
        return [StoredRows(at, self._batch(first_seq, schema, encoded), len(encoded)) for at, first_seq, schema, encoded in found]

    def _batch(self, first_seq: int, schema: int, encoded: bytes) -> ObservationBatch:
        writer = self._writers.get(schema)
        if writer is None:
            ((text,),) = self._connection.execute("select text from schemas where id = ?", (schema,)).fetchall()
            writer = self._writers[schema] = bound(WrittenSchema(str(text)), f"schema {schema} of the outbox")
        return replace(cast("ObservationBatch", writer.read(encoded)), first_seq=first_seq)


def convert(connection: apsw.Connection, schema: int) -> None:
    """Take over the table of releases that kept each field of the rows in a column of its own."""
    known = {name for _, name, *_ in connection.execute("pragma table_info(rows)").fetchall()}
    if not known:
        return
    with connection:
        adapter, alone = (name if name in known else default for name, default in (("adapter", "0"), ("alone", "''")))
        query = (
            f"select place, first_seq, stream, version, count, features, event_times, request_ids, answers, {adapter}, {alone} from rows"  # noqa: S608
        )
        for place, first_seq, stream, version, count, features, times, ids, answers, adapter_number, alone_texts in connection.execute(
            query
        ):
            batch = ObservationBatch(
                tenant="default",
                device_id="",
                boot_epoch=0,
                first_seq=-1,
                stream=stream,
                count=count,
                features=features,
                event_times=tuple(np.frombuffer(times, dtype="<i8").tolist()),
                request_ids=tuple(json.loads(ids or "[]")),
                model_version=version,
                answers=tuple(json.loads(answers)),
                adapter=adapter_number,
                answers_alone=tuple(json.loads(alone_texts or "[]")),
            )
            connection.execute(INSERT, (place, first_seq, *columns(batch, schema)))
        connection.execute("drop table rows")

"""Adapters of each stream, on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw
from edgeloop_contracts import AdapterFrame, Event, MemoryBlock, ModelAdapter
from edgeloop_kafka import body, from_body
from edgeloop_mixture import serialization
from edgeloop_mixture.memory import MemoryRows

from edgeloop_inference.core.adapter_parts import AdapterParts, Learned, LearnedEvent

KINDS: dict[str, type[LearnedEvent]] = {kind.FULLNAME: kind for kind in (AdapterFrame, MemoryBlock, ModelAdapter)}
SCHEMA = """
create table if not exists kept(
    stream text not null, kind text not null, slot integer not null, first integer not null, schema text not null, body blob not null,
    primary key(stream, kind, slot)) without rowid;
"""


class AdapterStore:
    """The newest adapter of each stream with its frame and rows, as events, in one SQLite file.

    One transaction keeps an adapter and its few new blocks. ``synchronous=FULL`` is off: a loss of power may cost the newest adapters,
    which the network still has, and never leaves a mix. A broken file is made anew.

    Parameters
    ----------
    folder
        Where the file ``adapters.db`` lies; made if absent.
    horizon
        Rows of the longest memory.
    check
        Refuses an adapter that is not signed.
    """

    def __init__(self, folder: Path, horizon: int, check: Callable[[ModelAdapter], None]) -> None:
        self._horizon = horizon
        self._check = check
        self._kept: dict[str, tuple[int, int]] = {}
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "adapters.db"
        try:
            self._file = _open(path)
        except (apsw.NotADBError, apsw.CorruptError):
            for name in (path, *(path.with_name(path.name + tail) for tail in ("-wal", "-shm"))):
                name.unlink(missing_ok=True)
            self._file = _open(path)

    def save(self, stream: str, learned: Learned, memory: MemoryRows) -> None:
        """Keep an adapter in place of the stream's last one.

        Parameters
        ----------
        memory
            Rows of the memories; may hold more than the adapter needs.
        """
        tenant = learned.adapter_event.tenant
        scaling, since = self._kept.get(stream, (-1, 0))
        self._file.execute("begin immediate")
        try:
            if scaling != learned.scaling:
                since = 0
                self._file.execute("delete from kept where stream = ? and kind = ?", (stream, MemoryBlock.FULLNAME))
            for block in serialization.blocks(tenant, stream, learned.scaling, memory, since, self._horizon):
                self._put(stream, serialization.slot(block, self._horizon), block.first, block)
            self._put(stream, 0, 0, learned.frame_event)
            self._put(stream, 0, 0, learned.adapter_event)
            self._file.execute("commit")
        except BaseException:
            if not self._file.getautocommit():
                self._file.execute("rollback")
            raise
        self._kept[stream] = learned.scaling, memory.end

    def load(self, stream: str) -> AdapterParts:
        """Stored parts of a stream, in order of arrival; parts written with another schema are left out.

        Raises
        ------
        Refusal
            ``SIGNATURE``: it was changed, or its key is no longer trusted.
        """
        parts = AdapterParts(self._horizon, self._check)
        rows: list[Any] = self._file.execute("select kind, schema, body from kept where stream = ? order by first", (stream,)).fetchall()
        for name, schema, data in rows:
            kind = KINDS.get(name)
            if kind is not None and schema == _fingerprint(kind):
                parts.add(from_body(kind, data))
        return parts

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _put(self, stream: str, slot: int, first: int, event: Event) -> None:
        values = (stream, event.FULLNAME, slot, first, _fingerprint(type(event)), body(event))
        self._file.execute("insert or replace into kept values(?, ?, ?, ?, ?, ?)", values)


def _open(path: Path) -> apsw.Connection:
    connection = apsw.Connection(str(path))
    try:
        connection.set_busy_timeout(5_000)
        for statement in ("pragma journal_mode=wal", "pragma synchronous=normal", SCHEMA):
            connection.execute(statement)
    except apsw.Error:
        connection.close()
        raise
    return connection


def _fingerprint(kind: type[Event]) -> str:
    return hashlib.sha256(kind.SCHEMA.encode()).hexdigest()

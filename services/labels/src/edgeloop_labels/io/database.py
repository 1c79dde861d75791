"""The file of one partition's pending observations."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import apsw
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.row_numbers import UNNUMBERED
from edgeloop_kafka import body, from_body

from edgeloop_labels.core.pending_batch import Pending

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TABLES = """
CREATE TABLE batches (
    offset INTEGER PRIMARY KEY, at INTEGER, id TEXT, key TEXT, epoch INTEGER, first_seq INTEGER, rows INTEGER, size INTEGER, body BLOB);
CREATE INDEX batches_by_row ON batches (key, epoch, first_seq, rows);
CREATE TABLE requests (
    key TEXT, request_id TEXT, offset INTEGER, row INTEGER, epoch INTEGER,
    PRIMARY KEY (key, request_id, offset, row)) WITHOUT ROWID;
CREATE INDEX requests_by_offset ON requests (offset);
CREATE TABLE boot (id TEXT);
"""
# A file with other tables or another schema is started anew. SQLite stores 31 bits.
LAYOUT = zlib.crc32((_TABLES + ObservationBatch.SCHEMA).encode()) >> 1
_LOAD = "SELECT at, id, body FROM batches WHERE offset = ?"


class PendingFile:
    """Pending batches in SQLite, by offset.

    It is a cache without fsync: it survives the end of its process. After a restart of the machine, or if it is damaged, it starts empty.

    Parameters
    ----------
    path
        Path of the file; its folder is created.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        boot = _BOOT_ID.read_text().strip() if _BOOT_ID.exists() else ""
        self._db = _open(path)
        if not self._usable(boot):
            self._db.close()
            for suffix in ("", "-wal", "-shm"):
                Path(f"{path}{suffix}").unlink(missing_ok=True)
            self._db = _open(path)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(f"PRAGMA user_version = {LAYOUT};{_TABLES}")
            self._db.execute("INSERT INTO boot VALUES (?)", (boot,))
        self._db.execute("PRAGMA synchronous = OFF; PRAGMA cache_size = -8192")

    def write(self, batches: Iterable[Pending], keep_from: int) -> None:
        """Add batches, and delete those below ``keep_from``, in one transaction. A stored batch is replaced by its equal."""
        with self._db:
            for pending in batches:
                batch = pending.batch
                row = (pending.offset, pending.at, pending.id, pending.key, batch.boot_epoch, batch.first_seq, batch.count)
                self._db.execute(
                    "INSERT OR REPLACE INTO batches VALUES (?,?,?,?,?,?,?,?,?)",
                    (*row, pending.size, body(batch)),
                )
                self._db.executemany(
                    "INSERT OR REPLACE INTO requests VALUES (?,?,?,?,?)",
                    [(pending.key, text, pending.offset, i, batch.boot_epoch) for i, text in enumerate(batch.request_ids) if text],
                )
            self._db.execute("DELETE FROM batches WHERE offset < ?; DELETE FROM requests WHERE offset < ?", (keep_from, keep_from))

    def delete_from(self, offset: int) -> None:
        """Delete all batches at or above an offset."""
        with self._db:
            self._db.execute("DELETE FROM batches WHERE offset >= ?; DELETE FROM requests WHERE offset >= ?", (offset, offset))

    def load(self, offset: int) -> Pending | None:
        """The batch at an offset."""
        row = self._db.execute(_LOAD, (offset,)).fetchone()
        if row is None:
            return None
        at, event_id, encoded = row
        return Pending(offset, at, event_id, from_body(ObservationBatch, encoded))

    def next_from(self, offset: int) -> int | None:
        """Smallest offset of a batch at or above ``offset``."""
        return self._value("SELECT min(offset) FROM batches WHERE offset >= ?", (offset,))

    def newest(self) -> tuple[int, str] | None:
        """Offset and id of the batch with the largest offset."""
        row = self._db.execute("SELECT offset, id FROM batches ORDER BY offset DESC LIMIT 1").fetchone()
        return (row[0], row[1]) if row else None

    def size(self) -> int:
        """Bytes of all batches, as :attr:`Pending.size` counts them."""
        return self._value("SELECT sum(size) FROM batches") or 0

    def holding(self, key: str, epoch: int, seq: int) -> int | None:
        """Offset of the batch that holds the row ``seq`` of a device."""
        query = (
            "SELECT first_seq + rows, offset FROM batches WHERE key = ? AND epoch = ? AND first_seq <= ? ORDER BY first_seq DESC LIMIT 1"
        )
        row = self._db.execute(query, (key, epoch, seq)).fetchone()
        return row[1] if row and row[0] > seq else None

    def request(self, key: str, epoch: int, request_id: str) -> tuple[int, int] | None:
        """Offset and place of the newest row with a request id; epoch 0 means any. Rows without sequence numbers are of every epoch."""
        row = self._db.execute(
            "SELECT offset, row FROM requests WHERE key = ?1 AND request_id = ?2 AND (?3 = 0 OR epoch IN (?3, ?4))"
            " ORDER BY offset DESC, row DESC LIMIT 1",
            (key, request_id, epoch, UNNUMBERED),
        ).fetchone()
        return (row[0], row[1]) if row else None

    def holds_any(self, key: str, epoch: int, first: int, end: int, keep_from: int) -> bool:
        """Whether a batch at or above ``keep_from`` has a row of ``[first, end)``."""
        query = "SELECT 1 FROM batches WHERE key = ? AND epoch = ? AND first_seq < ? AND first_seq + rows > ? AND offset >= ? LIMIT 1"
        return self._value(query, (key, epoch, end, first, keep_from)) is not None

    def end_seq(self, key: str, epoch: int) -> int:
        """Sequence number after the last row of a device and epoch; 0 if there is none."""
        query = "SELECT first_seq + rows FROM batches WHERE key = ? AND epoch = ? ORDER BY first_seq DESC LIMIT 1"
        return self._value(query, (key, epoch)) or 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def _usable(self, boot: str) -> bool:
        try:
            return self._value("PRAGMA user_version") == LAYOUT and self._value("SELECT id FROM boot") == boot
        except (apsw.NotADBError, apsw.CorruptError, apsw.SQLError):
            return False

    def _value(self, query: str, values: tuple[object, ...] = ()) -> Any:
        row = self._db.execute(query, values).fetchone()
        return row[0] if row else None


def _open(path: Path) -> apsw.Connection:
    db = apsw.Connection(str(path))
    db.set_busy_timeout(5_000)
    return db

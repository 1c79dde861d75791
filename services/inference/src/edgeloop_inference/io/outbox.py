"""Answered rows that no broker has yet, on disk."""

from __future__ import annotations

import shutil
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from edgeloop_contracts import ObservationBatch
from edgeloop_contracts.rows import slices
from edgeloop_errors import RetryableError

from edgeloop_inference.core.rows import BATCH_ROWS, StoredRows
from edgeloop_inference.io import outbox_batches
from edgeloop_inference.io.files import read_text, write_whole

TABLES = f"""
{outbox_batches.TABLES}
create table if not exists numbering(stream text primary key, next_seq integer not null) without rowid;
create table if not exists epoch(epoch integer not null, claimed integer not null);
create table if not exists reports(reserved integer not null);
"""
RESERVED = 1_000
COARSE_S, MOST_TIMES = 10.0, 100_000


class OutboxUnavailableError(RetryableError):
    """Rows could not be written: the disk is full or broken."""


@dataclass(slots=True)
class _Waiting:
    """Rows of one request that wait for the disk, and the columns of each piece without its place and number."""

    pieces: list[ObservationBatch]
    columns: list[tuple[Any, ...]]
    first_seq: int = -1
    error: str = ""
    done: bool = False


class Outbox:
    """Rows with their numbers, bounded, in one SQLite file with a write-ahead log.

    ``append`` returns once the rows are on disk (``synchronous=FULL``). The thread that holds the commit lock commits for all waiting
    threads, so concurrent requests share one fsync. The same transaction gives the numbers. Rows that could not be written have no
    number, so no number is given twice.

    The epoch counts outboxes: a broken file is put aside, and the new one starts the next epoch. A new outbox is *claimed* once the fleet
    is known not to have seen its epoch (:meth:`claim`). Epoch and number identify a row, and the device's previous disk may be lost.

    Parameters
    ----------
    folder
        Where the file ``outbox.db`` lies; made if absent.
    max_rows, max_bytes
        Bounds; beyond them the oldest rows are dropped. The outbox uses at most half of the disk space that is free at the start.
    appended
        Called after each commit with new rows, from the thread of one of the requests.

    Raises
    ------
    OutboxUnavailableError
        The file can be neither opened nor replaced.
    """

    def __init__(self, folder: Path, *, max_rows: int, max_bytes: int, appended: Callable[[], None] = lambda: None) -> None:
        self._appended = appended
        self._place = 0
        self._pending: deque[_Waiting] = deque()
        self._forgotten: deque[tuple[int, ...]] = deque()
        self._commit_lock = threading.Lock()
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / "outbox.db"
        self._max_rows, self._max_bytes = max_rows, self._bounded(max_bytes)
        self._counter = folder / "epoch"
        try:
            try:
                self._writer = self._open()
            except (apsw.NotADBError, apsw.CorruptError):
                self._put_aside()
                self._writer = self._open()
        except (apsw.Error, OSError) as error:
            raise OutboxUnavailableError(f"the outbox {self._path} cannot be opened: {error}") from error
        self._reader = apsw.Connection(str(self._path), flags=apsw.SQLITE_OPEN_READONLY)
        self._batches = outbox_batches.BatchReader(self._reader)
        self._load()
        ((self._reserved,),) = self._all("select max(reserved) from reports")
        self._report: int = self._reserved
        self._times = deque([(0, time.monotonic())], maxlen=MOST_TIMES)  # places, and when the rows from there on came
        self.dropped = 0
        self.lost = 0

    @property
    def healthy(self) -> bool:
        """Whether the last rows could be written."""
        return not self._broken

    def append(self, rows: ObservationBatch) -> int:
        """Write rows and give back the number of the first; any thread may call.

        Device and numbers in ``rows`` are ignored.

        Raises
        ------
        OutboxUnavailableError
            They could not be written; they have no number and are counted as lost.
        """
        pieces = list(slices(rows, BATCH_ROWS))
        waiting = _Waiting(
            pieces, [outbox_batches.columns(piece, self._schema) for piece in pieces]
        )  # others wait while the lock is held, and not yet now
        self._pending.append(waiting)
        with self._commit_lock:
            if not waiting.done:
                self._commit()
        if waiting.error:
            raise OutboxUnavailableError(waiting.error)
        return waiting.first_seq

    def after(self, place: int, limit: int) -> list[StoredRows]:
        """Stored rows behind a place, oldest first; only the sender's thread may call."""
        return self._batches.after(place, limit)

    def forget(self, places: Iterable[int]) -> None:
        """Remove rows that the broker has, with the next commit or with :meth:`settle`."""
        self._forgotten.append(tuple(places))

    def settle(self) -> None:
        """Write the removals of :meth:`forget`."""
        if self._forgotten:
            with self._commit_lock:
                self._commit()

    def claim(self, seen: int) -> None:
        """Claim this outbox's epoch.

        Parameters
        ----------
        seen
            Highest epoch that this device has ever reported, 0 for none. A new outbox takes the next epoch if its own is not higher. A
            claimed outbox keeps its epoch.
        """
        with self._commit_lock:
            if self.claimed:
                return
            epoch = max(self.epoch, seen + 1)
            self._writer.execute("update epoch set epoch = ?, claimed = 1", (epoch,))
            write_whole(self._counter, str(epoch).encode())
            self.epoch, self.claimed = epoch, True

    def limit(self, max_rows: int, max_bytes: int) -> None:
        """Change the bounds; the oldest rows beyond them are dropped with the next commit."""
        self._max_rows, self._max_bytes = max_rows, self._bounded(max_bytes)

    def oldest_s(self) -> float | None:
        """Age of the oldest waiting rows, seconds, within ten; ``None`` for none. Only the sender's thread may call.

        Rows from before the start of the process count from the start.
        """
        found: list[Any] = self._reader.execute("select min(place) from batches").fetchall()
        first: int | None = found[0][0]
        if first is None:
            return None
        while len(self._times) > 1 and self._times[1][0] <= first:
            self._times.popleft()
        return time.monotonic() - self._times[0][1]

    def report_number(self) -> int:
        """Number of the device's next report within this epoch, at least 1; rising over restarts.

        Numbers are reserved in the file, a thousand at a time, so that a report costs no write. Where the file cannot be written they
        go on in memory.
        """
        with self._commit_lock:
            self._report += 1
            if self._report > self._reserved:
                with suppress(apsw.Error):
                    self._writer.execute("update reports set reserved = ?", (self._report + RESERVED,))
                    self._reserved = self._report + RESERVED
            return self._report

    def close(self) -> None:
        """Write the last removals and close the file."""
        self.settle()
        with self._commit_lock:
            self._reader.close()
            self._writer.close()

    def _bounded(self, max_bytes: int) -> int:
        used = self._path.stat().st_size if self._path.exists() else 0
        # A disk that the outbox itself had filled could not even be told that rows were sent.
        return min(max_bytes, (shutil.disk_usage(self._path.parent).free + used) // 2)

    def _open(self) -> apsw.Connection:
        connection = apsw.Connection(str(self._path))
        try:
            connection.set_busy_timeout(5_000)
            for statement in ("pragma journal_mode=wal", "pragma synchronous=full", TABLES):
                connection.execute(statement)
            self._schema = outbox_batches.own_schema(connection)
            outbox_batches.convert(connection, self._schema)
            connection.execute("insert into reports select 0 where not exists (select 1 from reports)")
            if connection.execute("select 1 from epoch").fetchone() is None:
                previous = int(read_text(self._counter) or 0)
                write_whole(self._counter, str(previous + 1).encode())
                connection.execute("insert into epoch values(?, 0)", (previous + 1,))
        except apsw.Error:
            connection.close()
            raise
        return connection

    def _all(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        return self._writer.execute(query, values).fetchall()

    def _put_aside(self) -> None:
        number = len(list(self._path.parent.glob("outbox.db.broken-*")))
        self._path.rename(self._path.with_name(f"outbox.db.broken-{number}"))
        for tail in ("-wal", "-shm"):
            self._path.with_name(f"outbox.db{tail}").unlink(missing_ok=True)

    def _load(self) -> None:
        """Read the counters from the file, at the start and after a failed commit."""
        ((epoch, claimed),) = self._all("select epoch, claimed from epoch")
        ((rows, size, last),) = self._all("select coalesce(sum(count), 0), coalesce(sum(size), 0), coalesce(max(place), 0) from batches")
        self.epoch: int = epoch
        self.claimed = bool(claimed)
        self.rows: int = rows
        self.bytes: int = size
        self._numbers: dict[str, int] = dict(self._all("select stream, next_seq from numbering"))
        # Places only ever grow within a process: the sender remembers how far it has come.
        self._place = max(last, self._place)
        self._broken = False

    def _commit(self) -> None:
        """Write all waiting rows in one transaction; the caller holds the commit lock."""
        waiting = [self._pending.popleft() for _ in range(len(self._pending))]
        gone = [place for _ in range(len(self._forgotten)) for place in self._forgotten.popleft()]
        before = self._place
        try:
            if self._broken:
                self._load()
            self._write(waiting, gone)
        except (apsw.Error, OSError) as error:
            if not self._writer.getautocommit():
                self._writer.execute("rollback")
            self._broken = True
            self._forgotten.append(tuple(gone))
            for item in waiting:
                item.error = f"{type(error).__name__}: {error}"
                self.lost += sum(rows.count for rows in item.pieces)
        for item in waiting:
            item.done = True
        if waiting:
            if time.monotonic() - self._times[-1][1] >= COARSE_S:
                self._times.append((before + 1, time.monotonic()))
            self._appended()

    def _write(self, waiting: Sequence[_Waiting], gone: Sequence[int]) -> None:
        numbers = dict(self._numbers)
        rows_now, bytes_now, place = self.rows, self.bytes, self._place
        firsts: list[int] = []
        values: list[tuple[Any, ...]] = []
        for item in waiting:
            firsts.append(numbers.get(item.pieces[0].stream, 0))
            for rows, columns in zip(item.pieces, item.columns, strict=True):
                place += 1
                first = numbers.get(rows.stream, 0)
                numbers[rows.stream] = first + rows.count
                rows_now += rows.count
                bytes_now += columns[outbox_batches.SIZE]
                values.append((place, first, *columns))
        self._writer.execute("begin immediate")
        for one in gone:
            for count, size in self._all("delete from batches where place = ? returning count, size", one):
                rows_now, bytes_now = rows_now - count, bytes_now - size
        self._writer.executemany(outbox_batches.INSERT, values)
        changed = {item.pieces[0].stream for item in waiting}
        self._writer.executemany("insert or replace into numbering values(?, ?)", [(s, numbers[s]) for s in changed])
        dropped = 0
        while rows_now > self._max_rows or bytes_now > self._max_bytes:
            ((count, size),) = self._all("delete from batches where place = (select min(place) from batches) returning count, size")
            rows_now, bytes_now, dropped = rows_now - count, bytes_now - size, dropped + count
        self._writer.execute("commit")
        for item, first in zip(waiting, firsts, strict=True):
            item.first_seq = first
        self._numbers, self.rows, self.bytes, self._place = numbers, rows_now, bytes_now, place
        self.dropped += dropped

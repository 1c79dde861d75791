"""Downloads of pinned files: an interrupted one is resumed, and each is verified before it gets its name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import queue
import threading
import time
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

import requests
from edgeloop_errors import RetryableError
from jgo.config import GlobalSettings
from jgo.constants import MAVEN_CENTRAL_URL

from edgeloop_local.errors import ChecksumMismatchError, DiskFullError, DownloadError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from edgeloop_local.pins import Pin
    from edgeloop_local.progress import Advance, Progress

_CHUNK = 1 << 17
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte
_ATTEMPTS = 4
_PARALLEL = 6
_POLL_S = 0.2
_WITH_CONTENT = {HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT}
_TEMPORARY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}


def repositories() -> dict[str, str]:
    """Return the Maven repositories by name: jgo's default one, and those of the user's jgo settings."""
    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}


class _AbandonedError(RetryableError):
    """Another download failed, or the download was cancelled."""


def download(batches: Mapping[str, Sequence[tuple[Pin, Path]]], progress: Progress, stopping: threading.Event) -> None:
    """
    Download files in parallel; the first failure stops all.

    Parameters
    ----------
    batches : Mapping[str, Sequence[tuple[Pin, pathlib.Path]]]
        Files with their targets, by the name of the batch that people see.
    progress : Progress
        Receives the state of each batch, and each failed attempt.
    stopping : threading.Event
        Set to cancel.

    Raises
    ------
    DownloadError, DiskFullError
        See `Downloader.fetch`.
    StoppedError
        `stopping` is set.
    """
    abandon = threading.Event()

    def unless_abandoned(advance: Advance) -> Advance:
        def counted(count: int) -> None:
            if abandon.is_set():
                raise _AbandonedError
            advance(count)

        return counted

    with requests.Session() as session, contextlib.ExitStack() as bars:
        downloader = Downloader(repositories(), session, report=progress.report)
        jobs: list[_Job] = []
        for what, batch in batches.items():
            total = sum(pin.size for pin, _ in batch)
            advance = unless_abandoned(bars.enter_context(progress.downloading(what, total)))
            jobs += [_Job(pin, target, advance) for pin, target in batch]
        waiting = {job.done for job in jobs}
        try:
            _start(downloader, jobs, abandon)
            while waiting:
                ended, waiting = wait(waiting, _POLL_S, FIRST_COMPLETED)
                for future in ended:
                    future.result()
                if stopping.is_set():
                    raise StoppedError
        finally:
            abandon.set()


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    pin: Pin
    target: Path
    advance: Advance
    done: Future[None] = field(default_factory=Future[None])


def _start(downloader: Downloader, jobs: Iterable[_Job], abandon: threading.Event) -> None:
    """Run jobs in daemon threads, which nobody joins: a stalled connection must not delay a stop."""
    todo: queue.SimpleQueue[_Job] = queue.SimpleQueue()
    for job in jobs:
        todo.put(job)

    def work() -> None:
        while not abandon.is_set():
            try:
                job = todo.get_nowait()
            except queue.Empty:
                return
            try:
                downloader.fetch(job.pin, job.target, job.advance)
            except Exception as error:  # any error is the waiting thread's
                job.done.set_exception(error)
            else:
                job.done.set_result(None)

    for number in range(_PARALLEL):
        threading.Thread(target=work, name=f"edgeloop-download-{number}", daemon=True).start()


class Downloader:
    """
    Downloads pinned files; threads may share one instance.

    Parameters
    ----------
    sources : Mapping[str, str]
        Maven repositories by name, tried in order.
    session : requests.Session
        Has the proxies and certificates of the environment.
    pause : float
        Seconds before the second attempt; doubled for each later one.
    report : Callable[[str], None], optional
        Receives the reason of each further attempt.
    """

    def __init__(
        self, sources: Mapping[str, str], session: requests.Session, pause: float = 1.0, report: Callable[[str], None] = lambda _: None
    ) -> None:
        self._sources = sources
        self._session = session
        self._pause = pause
        self._report = report

    def fetch(self, pin: Pin, target: Path, advance: Advance) -> None:
        """
        Download one file to `target`, which exists only once the file is complete and verified.

        Parameters
        ----------
        pin : Pin
            The file to download.
        target : pathlib.Path
            The file to write. The caller holds the cache's lock, so nobody else writes there.
        advance : Advance
            Receives the count of bytes that arrived.

        Raises
        ------
        DownloadError
            No source has it, or the last source's file differs (`ChecksumMismatchError`).
        DiskFullError
            There is not enough disk space.
        """
        failure = DownloadError(pin.filename, "anywhere", "no Maven repository is configured")
        for name in self._sources:
            try:
                self._fetch_from(name, pin, target, advance)
            except DownloadError as error:
                failure = error
            else:
                return
        raise failure

    def _fetch_from(self, name: str, pin: Pin, target: Path, advance: Advance) -> None:
        source = f"the Maven repository '{name}'"
        url = f"{self._sources[name].rstrip('/')}/{pin.repository_path}"
        part = target.with_name(f"{target.name}.part")
        part.parent.mkdir(parents=True, exist_ok=True)
        reason = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                self._report(f"{pin.filename}: {reason}; trying again ({attempt + 1} of {_ATTEMPTS})")
                time.sleep(self._pause * 2 ** (attempt - 1))
            try:
                status = self._append(url, part, advance)
            except requests.RequestException as error:
                reason = _root_cause(error)
                continue
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    part.unlink(missing_ok=True)  # frees the space for others
                    raise DiskFullError(target.parent, pin.size) from error
                raise
            if status in _WITH_CONTENT:
                _accept(part, target, pin, source)
                return
            reason = f"it answered HTTP {status}"
            if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # the part is longer than the file: start over
                part.unlink(missing_ok=True)
            if status < HTTPStatus.INTERNAL_SERVER_ERROR and status not in _TEMPORARY:
                break
        raise DownloadError(pin.filename, source, reason)

    def _append(self, url: str, part: Path, advance: Advance) -> int:
        """Resume at the end of `part` if the server can; returns the status."""
        have = part.stat().st_size if part.exists() else 0
        # Uncompressed: a compressed response could not be resumed.
        headers = {"Accept-Encoding": "identity", **({"Range": f"bytes={have}-"} if have else {})}
        with self._session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
            status = response.status_code
            if status not in _WITH_CONTENT:
                return status
            resumed = status == HTTPStatus.PARTIAL_CONTENT
            with part.open("ab" if resumed else "wb") as file:
                if resumed:
                    advance(have)
                for chunk in response.iter_content(_CHUNK):
                    file.write(chunk)
                    advance(len(chunk))
            return status


def _accept(part: Path, target: Path, pin: Pin, source: str) -> None:
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != pin.sha256:
        part.unlink()
        raise ChecksumMismatchError(pin.filename, source, pin.sha256, digest)
    part.replace(target)


def _root_cause(error: Exception) -> str:
    """Return the innermost reason: requests wraps a refused connection three times."""
    cause: BaseException = error
    while (inner := cause.__cause__ or cause.__context__) is not None:
        cause = inner
    return (str(cause) or type(cause).__name__).splitlines()[0][:200]

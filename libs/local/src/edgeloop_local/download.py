"""Fetching pinned files: resumed when cut off, verified before they get their name, one process at a time."""

from __future__ import annotations

import errno
import hashlib
import time
from typing import TYPE_CHECKING

from edgeloop_local.errors import ChecksumMismatch, DiskFull, DownloadFailed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import requests

    from edgeloop_local.pins import Pin
    from edgeloop_local.progress import Advance

_CHUNK = 1 << 17
_TIMEOUT = (10.0, 60.0)  # seconds to connect, seconds without a byte
_ATTEMPTS = 4


def repositories() -> dict[str, str]:
    """Give the Maven repositories by name: jgo's default, and what the user's jgo settings add or override."""
    from jgo.config import GlobalSettings  # noqa: PLC0415
    from jgo.constants import MAVEN_CENTRAL_URL  # noqa: PLC0415

    return {"central": MAVEN_CENTRAL_URL, **GlobalSettings.load().repositories}


def fetch(pin: Pin, target: Path, sources: Mapping[str, str], session: requests.Session, advance: Advance) -> None:
    """
    Download one pinned file to `target`; nothing is there until all of it is, and right.

    Parameters
    ----------
    pin : Pin
        What to fetch.
    target : pathlib.Path
        The file to make. The caller holds the cache's lock, so no one else writes beside it.
    sources : Mapping[str, str]
        Repositories by name, tried in order.
    session : requests.Session
        Carries proxies and certificates as the environment says.
    advance : Advance
        Told of every byte that came.

    Raises
    ------
    DownloadFailed
        If no source gives it, or a source gives something else (`ChecksumMismatch`).
    DiskFull
        If there is no room.
    """
    failure: DownloadFailed | None = None
    for name, address in sources.items():
        try:
            _fetch_from(f"{address}/{pin.repository_path}", f"the Maven repository '{name}'", pin, target, session, advance)
        except DownloadFailed as error:
            failure = error
        else:
            return
    raise failure or DownloadFailed(pin.filename, "anywhere", "no Maven repository is configured")


def _fetch_from(
    url: str, source: str, pin: Pin, target: Path, session: requests.Session, advance: Advance
) -> None:
    import requests  # noqa: PLC0415

    part = target.with_name(f"{target.name}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    reason = ""
    for attempt in range(_ATTEMPTS):
        if attempt:
            time.sleep(0.5 * 2**attempt)
        try:
            status = _append(url, part, session, advance)
        except requests.RequestException as error:
            reason = _short(error)
            continue
        except OSError as error:
            if error.errno == errno.ENOSPC:
                part.unlink(missing_ok=True)  # give the room back to whoever else needs it
                raise DiskFull(target.parent, pin.size) from error
            raise
        if status in {200, 206}:
            digest = _sha256(part)
            if digest == pin.sha256:
                part.replace(target)
                return
            part.unlink()
            raise ChecksumMismatch(pin.filename, source, pin.sha256, digest)
        reason = f"it answered HTTP {status}"
        if status == 416:  # more was kept from last time than there is: start over
            part.unlink(missing_ok=True)
        elif status < 500 and status != 429:
            break
    raise DownloadFailed(pin.filename, source, reason)


def _append(url: str, part: Path, session: requests.Session, advance: Advance) -> int:
    """Go on where `part` ends if the server can; give the status."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    with session.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code not in {200, 206}:
            return response.status_code
        resumed = response.status_code == 206
        with part.open("ab" if resumed else "wb") as file:
            if resumed:
                advance(have)
            for chunk in response.iter_content(_CHUNK):
                file.write(chunk)
                advance(len(chunk))
        return response.status_code


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _short(error: Exception) -> str:
    """Give the innermost cause: requests wraps a refused connection three times."""
    cause: BaseException = error
    while (inner := cause.__context__ or cause.__cause__) is not None:
        cause = inner
    return (str(cause) or type(cause).__name__).splitlines()[0][:200]

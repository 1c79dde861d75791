"""A lock between processes: a file that the operating system unlocks when its holder dies."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from pathlib import Path


class FileLock:
    """
    An exclusive lock on a file, which tells others the holder's pid.

    Parameters
    ----------
    path : pathlib.Path
        The lock file. It is made if missing and never deleted, since deleting a locked file lets two hold it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None
        self._guard = threading.Lock()

    @property
    def held(self) -> bool:
        """Whether the lock is ours."""
        return self._handle is not None

    def try_acquire(self) -> bool:
        """Take the lock if it is free; say whether it is ours now."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        if not _lock(handle):
            os.close(handle)
            return False
        os.ftruncate(handle, 0)
        os.write(handle, str(os.getpid()).encode())
        self._handle = handle
        return True

    def acquire(self, poll: float = 0.2) -> None:
        """Wait until the lock is ours."""
        while not self.try_acquire():
            time.sleep(poll)

    def release(self) -> None:
        """Give the lock back; harmless when it isn't held, and from several threads at once."""
        with self._guard:
            handle, self._handle = self._handle, None
        if handle is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(handle, 0)
                _unlock(handle)  # explicitly, for a process forked just now may still have the file open
            os.close(handle)

    def holder(self) -> int | None:
        """Give the pid that the holder wrote, if it can be read."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> bool:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> bool:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True

    def _unlock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_UN)

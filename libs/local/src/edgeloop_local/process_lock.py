"""A lock between processes that names its holder: filelock's, with the process id written into the file."""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path


class ProcessLock:
    """An exclusive lock on a file. The operating system releases it when its holder dies.

    Parameters
    ----------
    path : pathlib.Path
        The lock file. It is created if missing and stays after the release: another process may wait on it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        # A soft lock (its fallback where the file system has no locks) would outlive a killed holder.
        self._lock = FileLock(path, thread_local=False, fallback_to_soft=False, preserve_lock_file=True, on_acquired=_write_pid)

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._lock.is_locked

    def try_acquire(self) -> bool:
        """Acquire the lock if nobody holds it, this object included; returns whether it is acquired."""
        if self._lock.is_locked:  # the library would count a second hold
            return False
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._lock.acquire(blocking=False)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Release the lock. Harmless if it is not held, and from several threads at once."""
        with self._guard:
            if self._lock.is_locked:
                with contextlib.suppress(OSError):
                    os.truncate(self._path, 0)
                self._lock.release(force=True)

    def holder(self) -> int | None:
        """Process id of the holder, if the file tells it."""
        try:
            return int(self._path.read_text())
        except (OSError, ValueError):
            return None


def _write_pid(handle: int) -> None:
    os.ftruncate(handle, 0)
    os.write(handle, str(os.getpid()).encode())

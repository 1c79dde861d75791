"""The lock between processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from edgeloop_local.process_lock import ProcessLock

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from edgeloop_local.process_lock import ProcessLock
lock = ProcessLock(Path(sys.argv[1]))
assert lock.try_acquire()
print("held", flush=True)
time.sleep(60)
"""


def test_only_one_holds_the_lock_and_its_pid_can_be_read(tmp_path: Path) -> None:
    first, second = ProcessLock(tmp_path / "lock"), ProcessLock(tmp_path / "lock")
    assert first.try_acquire()
    assert not second.try_acquire()
    assert second.holder() == os.getpid()
    first.release()
    assert second.holder() is None
    assert second.try_acquire()
    second.release()


def test_a_lock_whose_holder_was_killed_is_free(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path / "lock")], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not lock.try_acquire()
        assert lock.holder() == holder.pid
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert lock.try_acquire()
    lock.release()


def test_a_child_does_not_inherit_the_lock(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    assert lock.try_acquire()
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], close_fds=False) as child:
        lock.release()
        try:
            assert lock.try_acquire()
        finally:
            child.kill()
            lock.release()


def test_a_second_acquire_by_the_holder_is_refused_and_leaves_it_the_lock(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    assert lock.try_acquire()
    assert not lock.try_acquire()
    assert lock.held
    lock.release()
    assert not lock.held


def test_two_threads_may_release_at_once(tmp_path: Path) -> None:
    for _ in range(200):
        lock = ProcessLock(tmp_path / "lock")
        assert lock.try_acquire()
        with ThreadPoolExecutor(2) as pool:
            for done in [pool.submit(lock.release) for _ in range(2)]:
                done.result()
        assert not lock.held

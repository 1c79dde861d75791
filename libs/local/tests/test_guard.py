"""The guard, above all its way without a kernel's help, which Linux doesn't take by itself."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from edgeloop_local import guard

SLEEP = [sys.executable, "-c", "import time; time.sleep(120)"]
POLITE = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); print(1); time.sleep(120)"
WATCHING = f"import sys; sys.platform = 'plan9'; sys.path.insert(0, {str(Path(guard.__file__).parent)!r}); import guard; "


def watching_guard(parent: int, command: list[str]) -> list[str]:
    arguments = [str(parent), "9", *command]
    return [sys.executable, "-c", f"{WATCHING} sys.exit(guard.main({arguments!r}))"]


def test_a_child_whose_parent_died_before_it_could_ask_the_kernel_does_not_start() -> None:
    stranger = 1 if os.getpid() != 1 else 2
    run = subprocess.run(
        [sys.executable, "-I", "-S", guard.__file__, str(stranger), "9", sys.executable, "-c", "print('started')"],
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout == b""


def test_the_guard_that_watches_kills_its_child_when_the_parent_is_gone() -> None:
    command = watching_guard(os.getpid() + 1, SLEEP)  # not its parent, as if that had died
    with subprocess.Popen(command) as watcher:
        assert watcher.wait(timeout=60) == 128 + signal.SIGKILL


def test_the_guard_that_watches_passes_sigterm_on_and_gives_the_exit_code() -> None:
    command = watching_guard(os.getpid(), [sys.executable, "-u", "-c", POLITE])
    with subprocess.Popen(command, stdout=subprocess.PIPE) as watcher:
        assert watcher.stdout is not None
        watcher.stdout.readline()
        watcher.terminate()
        assert watcher.wait(timeout=60) == 7

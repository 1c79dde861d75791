"""Signals that ask us to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest
from edgeloop_local import interrupted_by_signals

# Asked once it stops in good order, which takes longer than anybody waits; the first lines tell that it is so far.
SLOW = """
import sys, time
from edgeloop_local import interrupted_by_signals
with interrupted_by_signals("stopping the works"):
    try:
        print("up", flush=True)
        {busy}
    finally:
        print("stopping", flush=True)
        time.sleep({last})
        print("stopped", flush=True)
"""
BUSY = "import hashlib; hashlib.pbkdf2_hmac('sha256', b'x', b'y', 10**9)"  # no signal handler of Python runs before it ends
IDLE = "time.sleep(120)"


def started(busy: str, last: float) -> subprocess.Popen[str]:
    code = SLOW.format(busy=busy, last=last)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"
    return process


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_request_to_end_is_like_ctrl_c_within_the_block_only(name: str, capfd: pytest.CaptureFixture[str]) -> None:
    number = signal.Signals[name]
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), interrupted_by_signals("stopping this"):
        os.kill(os.getpid(), number)
        signal.pause()
    assert signal.getsignal(number) is before
    deadline = time.monotonic() + 10
    said = ""
    while not said and time.monotonic() < deadline:
        said = capfd.readouterr().err
    assert said == "\nstopping this; Ctrl-C again ends at once\n"


def test_it_says_so_at_once_however_busy_it_is() -> None:
    with started(BUSY, 0) as process:
        assert process.stderr is not None
        process.send_signal(signal.SIGINT)
        assert [process.stderr.readline() for _ in range(2)] == ["\n", "stopping the works; Ctrl-C again ends at once\n"]
        process.kill()


def test_a_second_ctrl_c_does_not_disturb_the_stopping_but_ends_at_once() -> None:
    with started(IDLE, 120) as process:
        assert process.stdout is not None
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "stopping\n"
        time.sleep(0.6)
        process.send_signal(signal.SIGINT)
        said, errors = process.communicate(timeout=60)
        assert "stopped" not in said
        assert errors.endswith("ending at once\n")
        assert process.returncode == 130


def test_one_ctrl_c_that_comes_twice_is_one() -> None:
    with started(IDLE, 1) as process:
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        said, errors = process.communicate(timeout=60)
        assert said == "stopping\nstopped\n"
        assert "at once\n" in errors
        assert "ending" not in errors
        assert "Traceback" in errors  # the interrupt goes on to whoever called


def test_a_shell_may_have_asked_not_to_hear_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with interrupted_by_signals():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.05)
    finally:
        signal.signal(signal.SIGINT, before)

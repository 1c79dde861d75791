"""The watchdog: a loop that hangs, and one that turns without moving, end their process."""

from __future__ import annotations

import subprocess
import sys

import pytest
from edgeloop_errors import EXIT_HUNG
from edgeloop_streaming.progress import CHECK_S, Progress

HEAD = """
import time
from edgeloop_streaming.process import watch, watch_calls
from edgeloop_streaming.progress import Calls
from edgeloop_streaming.telemetry import configure_logs
"""
LOOP = """
started = time.monotonic()
watch(lambda: started, 0.5, configure_logs("text"))
time.sleep(60)
"""
CALL = """
calls = Calls()
watch_calls(calls, 1, configure_logs("text"))
for _ in range(30):
    with calls.one(): time.sleep(0.1)
with calls.one(): time.sleep(60)
"""
PLACE = ("observations.raw", 0)


@pytest.mark.parametrize(("program", "line"), [(LOOP, 9), (CALL, 11)], ids=["loop", "call"])
def test_what_hangs_ends_its_process_and_says_where_it_hung(program: str, line: int) -> None:
    ended = subprocess.run([sys.executable, "-c", HEAD + program], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == EXIT_HUNG
    assert "hung" in ended.stderr
    assert f'File "<string>", line {line}' in ended.stderr


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_loop_that_turns_while_input_waits_does_not_move(clock) -> None:
    progress = Progress(lambda places: dict.fromkeys(places, 10), clock)
    progress.at_end(PLACE, 9)
    for clock.now in range(1, 60):
        progress.check([PLACE])
    assert progress.moved == 0


def test_a_loop_that_has_read_all_input_counts_as_moving(clock) -> None:
    progress = Progress(lambda places: dict.fromkeys(places, 10), clock)
    progress.at_end(PLACE, 10)
    for clock.now in range(1, 61):
        progress.check([PLACE])
    assert clock.now - progress.moved < CHECK_S


def test_what_waits_on_purpose_and_what_is_nobodys_work_is_no_standstill(clock) -> None:
    progress = Progress(lambda places: dict.fromkeys(places, 10), clock)
    clock.now = 100.0
    progress.check([])
    assert progress.moved == 100


def test_the_broker_is_not_asked_while_transactions_commit(clock) -> None:
    asked: list[float] = []
    progress = Progress(lambda places: asked.append(clock.now) or {}, clock)
    for clock.now in range(1, 61):
        progress.committed()
        progress.check([PLACE])
    assert asked == []

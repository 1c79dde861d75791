"""The child process may die, hang or run out of memory; the service goes on."""

from __future__ import annotations

import os
import signal
import time
from dataclasses import replace

import numpy as np
import pytest
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.fit_process import FitProcess, Limits, PendingJob


def job(name: str, rows: int = 200, trees: int = 5) -> FitJob:
    features = np.random.default_rng(0).normal(size=(rows, 6)).astype(np.float32)
    return FitJob(name, features, (features[:, 0] > 0).astype(np.int64), ("a", "b"), None, Recipe(trees=trees))


def slow(name: str) -> FitJob:
    return job(name, rows=60_000, trees=400)


def wait(pending: PendingJob, seconds: float = 60.0):
    end = time.monotonic() + seconds
    while not pending.done():
        assert time.monotonic() < end
        time.sleep(0.01)
    return pending.result


def begun(process: FitProcess, pending: PendingJob) -> None:
    """Wait until the child has taken the job."""
    while pending.attempts == 0:
        pending.done()
        time.sleep(0.01)


@pytest.fixture
def own():
    process = FitProcess(Limits(seconds=60))
    yield process
    process.close()


def test_fits_come_one_after_another_and_the_same_job_only_once(own):
    one, two, again = own.submit(job("1")), own.submit(job("2")), own.submit(job("1"))
    assert again is one
    assert isinstance(wait(two), Fitted)
    assert wait(one).digest == wait(two).digest


def test_a_job_whose_child_was_killed_is_fitted_by_the_next_child(own):
    pending = own.submit(
        replace(slow("1"), features=slow("1").features[:20_000], labels=slow("1").labels[:20_000], recipe=Recipe(trees=50))
    )
    begun(own, pending)
    before = own.pid
    os.kill(before, signal.SIGKILL)
    assert isinstance(wait(pending), Fitted)
    assert own.pid != before


def test_a_job_that_kills_its_child_twice_has_failed_and_the_next_one_works(own):
    bad, good = own.submit(slow("bad")), own.submit(job("good"))
    for _ in range(2):
        attempts = bad.attempts
        while bad.attempts == attempts:
            bad.done()
            time.sleep(0.01)
        os.kill(own.pid, signal.SIGKILL)
    failed = wait(bad)
    assert isinstance(failed, Failed)
    assert "ended with -9" in failed.reason
    assert isinstance(wait(good), Fitted)


def test_a_child_that_dies_while_idle_is_not_missed(own):
    assert isinstance(wait(own.submit(job("1"))), Fitted)
    os.kill(own.pid, signal.SIGKILL)
    assert isinstance(wait(own.submit(job("2"))), Fitted)


def test_a_fit_that_takes_too_long_has_failed():
    process = FitProcess(Limits(seconds=0.5))
    pending = process.submit(slow("1"))
    failed = wait(pending)
    assert failed == Failed("the fit took more than 0.5 s")
    assert process.submit(slow("1")) is not pending
    process.close()


def test_a_fit_that_needs_too_much_memory_fails_and_harms_nobody():
    process = FitProcess(Limits(memory_bytes=1200 << 20))
    features = np.zeros((2_000_000, 40), np.float32)
    failed = wait(process.submit(FitJob("big", features, np.arange(2_000_000) % 2, ("a", "b"), None, Recipe())))
    assert isinstance(failed, Failed)
    assert isinstance(wait(process.submit(job("small"))), Fitted)
    process.close()


def test_a_child_that_cannot_start_fails_the_job():
    process = FitProcess(Limits(memory_bytes=32 << 20))
    failed = wait(process.submit(job("1")))
    process.close()
    assert isinstance(failed, Failed)
    assert "before it was ready" in failed.reason

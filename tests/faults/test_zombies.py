"""A service that is stopped for longer than its session, and woken while a successor works."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from edgeloop_kafka import KafkaSettings
from edgeloop_local import Supervisor
from edgeloop_streaming import Context
from faults.scene import RECOVERY_S, TOY, Elsewhere, Feed, forwarded, numbered, prepared, spec, watching
from support.broker import Cluster
from support.checker import Checker, Findings
from support.processes import environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(240)]
SESSION_S = 6.0
SCENES = {"the same name": "0", "another name": "1"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a zombie: its exit code, if it ended by itself, and its successor's restarts."""

    findings: Findings
    rows: int
    taken_over_s: float
    went_on_s: float
    limit_s: float
    zombie: int | None
    restarts: int


@contextmanager
def process(settings: KafkaSettings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The toy without a supervisor, so nothing restarts the woken process."""
    with log.open("ab") as file:
        started = subprocess.Popen([sys.executable, "-m", TOY.module], env=environment(settings), stdout=file, stderr=file)
    try:
        yield started
    finally:
        started.send_signal(signal.SIGCONT)
        started.kill()
        started.wait()


def play(own: Cluster, instance: str, logs: Path) -> Outcome:
    """Stop a process, start a supervised successor, wake the zombie, and let them work together or not."""
    settings = prepared(own, [TOY])
    out = settings.topic_prefix + TOY.outputs[0].name
    feed = Feed(Context(settings, "test"), numbered(), rate=100)
    with watching(own.bootstrap, [out]) as watcher, process(settings, logs / "zombie.log") as zombie:
        feed.start()
        watcher.wait(out, lambda n: n > 100, 60)
        zombie.send_signal(signal.SIGSTOP)
        elsewhere = Elsewhere()
        stopped, moment = time.monotonic(), time.time()
        with Supervisor([spec(TOY, settings, logs, EDGELOOP_INSTANCE=instance)]) as successor:
            taken_over = watcher.first_after(out, moment + 0.5, 60)
            time.sleep(max(1.0, SESSION_S + 2 - (time.monotonic() - stopped)))
            zombie.send_signal(signal.SIGCONT)
            # Any harm happens within the second in which it learns of its successor.
            time.sleep(4)
            went_on = watcher.first_after(out, time.time(), 60) + 4
            limit = elsewhere.limit(RECOVERY_S)
            feed.stop()
            watcher.wait(out, lambda n: n >= len(feed.sent), 60)
            watcher.settled(0.5, 30)
            ended, restarts = zombie.poll(), successor.status()[0].restarts
            zombie.terminate()
            zombie.wait(30)
    found = forwarded(Checker(own.bootstrap, settings.topic_prefix), feed.sent)
    return Outcome(found, len(feed.sent), taken_over, went_on, limit, ended, restarts)


@pytest.fixture(scope="module")
def scenes(own: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Outcome]]]:
    """Both at the same time, since they mostly wait."""
    with ThreadPoolExecutor() as pool:
        yield {name: pool.submit(play, own, instance, tmp_path_factory.mktemp("zombie")) for name, instance in SCENES.items()}


@pytest.mark.parametrize("name", SCENES)
def test_a_zombie_does_nothing_twice(name: str, scenes: dict[str, Future[Outcome]]) -> None:
    outcome = scenes[name].result()
    print(f"a successor with {name}: {outcome}")
    assert outcome.findings.wrong == 0, str(outcome.findings)
    assert max(outcome.taken_over_s, outcome.went_on_s) <= outcome.limit_s


def test_a_zombie_whose_name_is_taken_ends_and_leaves_its_successor_alone(scenes: dict[str, Future[Outcome]]) -> None:
    outcome = scenes["the same name"].result()
    assert (outcome.zombie, outcome.restarts) == (1, 0)


def test_a_zombie_with_a_name_of_its_own_joins_its_group_again_or_ends(scenes: dict[str, Future[Outcome]]) -> None:
    outcome = scenes["another name"].result()
    assert outcome.zombie in (None, 1)
    assert outcome.restarts == 0

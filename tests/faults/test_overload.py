"""Other programs on all cores: throughput falls, nothing is killed, and no state is read again without a real doubt."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edgeloop_local import LocalStack, Supervisor
from edgeloop_streaming import Context
from faults.scene import TOY, Feed, forwarded, numbered, prepared, spec, watching
from support.broker import Cluster
from support.checker import Checker

DOUBT = re.compile(r"outcome in doubt.*?why=(.*)")
# A cut connection or a timed-out request is a doubt on any machine. A long duration alone is none.
UNREAL = re.compile(r"took|no statistics")


@contextmanager
def hogs(count: int) -> Iterator[None]:
    """Programs that use all the processor time they get."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(300, marks=[pytest.mark.faults, pytest.mark.timeout(900)], id="five minutes"),
        pytest.param(40, marks=[pytest.mark.doors, pytest.mark.timeout(300)], id="forty seconds"),
    ],
)
def test_other_programs_on_all_cores_slow_a_service_down_and_no_more(own: Cluster, stack: LocalStack, tmp_path: Path, seconds: int) -> None:
    settings = prepared(own, [TOY])
    out = settings.topic_prefix + TOY.outputs[0].name
    feed = Feed(Context(settings, "test"), numbered(), rate=200)
    with watching(own.bootstrap, [out]) as watcher, Supervisor([spec(TOY, settings, tmp_path)]) as services:
        feed.start()
        watcher.wait(out, lambda n: n > 200, 120)
        with hogs(2 * (os.cpu_count() or 2)):
            end, counts = time.monotonic() + seconds, [watcher.counts[out]]
            while time.monotonic() < end:
                time.sleep(min(10, seconds / 2))
                counts.append(watcher.counts[out])
        feed.stop()
        watcher.wait(out, lambda n: n >= len(feed.sent), 180)
        watcher.settled(0.5, 60)
        restarts = services.status()[0].restarts
    log = (tmp_path / f"{TOY.service}.log").read_text(encoding="utf-8", errors="replace")
    doubts = [re.sub(r"\x1b\[[0-9;]*m", "", why) for why in DOUBT.findall(log)]
    rates = [round((after - before) / min(10, seconds / 2)) for before, after in itertools.pairwise(counts)]
    print(f"{len(feed.sent)} rows, a second: {rates}; restarts {restarts}, doubts {doubts}")
    assert restarts == 0
    assert [why for why in doubts if UNREAL.search(why)] == []
    assert all(after > before for before, after in itertools.pairwise(counts)), "it stood still for ten seconds"
    found = forwarded(Checker(own.bootstrap, settings.topic_prefix), feed.sent)
    assert found.wrong == 0, str(found)

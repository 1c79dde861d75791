"""A service that is stopped for longer than its session, and woken when a successor is at work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from edgeloop_streaming import Context, KafkaSettings
from faults.scene import TOY, Feed, environment, forwarded, numbered, prepared, watching
from support.checker import Checker

pytestmark = [pytest.mark.faults, pytest.mark.timeout(600)]
SESSION_S = 6.0


@contextmanager
def toy(settings: KafkaSettings, log: Path, instance: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", TOY.module], env=os.environ | environment(settings, EDGELOOP_INSTANCE=instance), stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGCONT)
        process.kill()
        process.wait()


@pytest.mark.parametrize("instance", ["0", "1"], ids=["the same name", "another name"])
def test_a_zombie_does_nothing_twice(instance, own, tmp_path: Path) -> None:
    settings = prepared(own, [TOY])
    out = settings.topic_prefix + TOY.outputs[0].name
    feed = Feed(Context(settings, "test"), numbered(), rate=150)
    with watching(own.bootstrap, [out]) as watcher, toy(settings, tmp_path / "first.log", "0") as first:
        feed.start()
        watcher.wait(out, lambda n: n > 100, 120)
        first.send_signal(signal.SIGSTOP)
        stopped, moment = time.monotonic(), time.time()
        with toy(settings, tmp_path / "second.log", instance) as second:
            took = watcher.first_after(out, moment + 0.5, 180)
            time.sleep(max(1.0, SESSION_S + 2 - (time.monotonic() - stopped)))
            first.send_signal(signal.SIGCONT)
            if instance == "0":
                assert first.wait(120) == 1, "it has been fenced, and ends"
            else:
                time.sleep(8)
                assert first.poll() in (None, 1), "it joins its group again, or ends"
            feed.stop()
            watcher.wait(out, lambda n: n >= len(feed.sent), 120)
            watcher.settled(1, 30)
            for process in (first, second):
                process.terminate()
            assert second.wait(120) == 0
            first.wait(120)
    print(f"a successor of {instance}: first output after {took:.1f} s; the zombie ended with {first.returncode}")
    found = forwarded(Checker(own.bootstrap, settings.topic_prefix), feed.sent)
    assert found.wrong == 0, str(found)

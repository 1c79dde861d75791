"""A whole platform as a user starts it, with ``edgeloop up`` in a folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from edgeloop_contracts import Topic, topics
from edgeloop_kafka import KafkaSettings
from edgeloop_streaming import Context

ROOT = Path(__file__).resolve().parents[2]
SCHEMAS = ROOT / "schemas"
EDGELOOP = Path(sys.executable).parent / "edgeloop"


@dataclass(frozen=True)
class Came:
    """Outcome of one sender's rows: counts per topic, and reasons of the dead letters."""

    observations: int
    labels: int
    examples: int
    dead: Counter[str]


@dataclass(frozen=True)
class RunningPlatform:
    """Addresses of a platform, and its records."""

    bootstrap: str
    registry: str
    folder: Path
    children: tuple[psutil.Process, ...] = ()

    @property
    def data(self) -> Path:
        """Its data directory."""
        return self.folder / "data"

    def read(self, topic: Topic) -> list[Any]:
        """All records of a topic, decoded."""
        context = Context(KafkaSettings(bootstrap=self.bootstrap, schema_registry_url=self.registry, extra={}), "test")
        found: list[Any] = []
        follower = context.follower([topic])
        follower.refresh(found.append)
        follower.close()
        return found

    def came(self, device: str) -> Came:
        """Records in the topics now."""
        letters = self.read(topics.dead_letters("ingestion")) + self.read(topics.dead_letters("labels"))
        dead = Counter(r.event.reason for r in letters if device.encode() in r.event.key or device.encode() in r.event.value)
        observations = sum(r.event.count for r in self.read(topics.OBSERVATIONS) if r.event.device_id == device)
        labels = sum(r.event.device_id == device for r in self.read(topics.LABELS))
        examples = sum(len(r.event.seqs) for r in self.read(topics.EXAMPLES) if r.event.device_id == device)
        return Came(observations, labels, examples, dead)

    def awaited(self, device: str, rows: int, timeout: float = 240.0) -> Came:
        """Records once ``rows`` examples or dead letters are there, or those at the time-out."""
        deadline = time.monotonic() + timeout
        while True:
            came = self.came(device)
            if came.examples >= rows or came.dead.total() >= rows or time.monotonic() > deadline:
                return self.came(device)  # topics are read in sequence, so the causes of the last record are there by now
            time.sleep(1.0)


@contextmanager
def platform(folder: Path, *options: str) -> Iterator[RunningPlatform]:
    """Start everything; stop it at the end, as Ctrl-C does."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EDGELOOP_")}
    log = (folder / "up.log").open("w+b")
    process = subprocess.Popen(
        [EDGELOOP, "up", "--data-dir", folder / "data", "--json", *options],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=log,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - in the background it is ignored
    )
    children: tuple[psutil.Process, ...] = ()
    try:
        assert process.stdout is not None
        told = process.stdout.readline()
        assert told, f"edgeloop up ended: {(folder / 'up.log').read_text()}"
        found = json.loads((folder / "data" / "stack.json").read_text(encoding="utf-8"))
        children = tuple(psutil.Process(process.pid).children(recursive=True))
        yield RunningPlatform(found["bootstrap"], found["registry_url"], folder, children)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        log.close()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def ran(command: Iterable[str | Path], folder: Path, timeout: float = 600.0, **environment: str) -> str:
    """Output of a program that must succeed."""
    result = subprocess.run(
        [str(word) for word in command],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert result.returncode == 0, f"{command}: {result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result.stdout

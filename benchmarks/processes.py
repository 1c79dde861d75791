"""Service processes, started as by ``edgeloop up``, with their processor time and memory."""

from __future__ import annotations

import http.client
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from edgeloop_cli.fleet import planned
from edgeloop_cli.processes import device_child, service_child
from edgeloop_kafka import KafkaSettings
from edgeloop_local import ChildSpec
from edgeloop_local.child_processes import Command, finish, spawn
from edgeloop_local.files import last_lines
from edgeloop_local.ports import free_port
from edgeloop_local.readiness import http_answers
from prometheus_client.parser import text_string_to_metric_families

DEVICE = "inference"
READY_S = 60.0


class Watched:
    """A running service.

    Attributes
    ----------
    name
        Name of the service.
    """

    def __init__(self, spec: ChildSpec) -> None:
        assert spec.port is not None or spec.name.startswith(DEVICE)
        self.name = spec.name
        self.port = int(spec.env["EDGELOOP_HTTP_PORT"])
        self._log = spec.log
        self.began = time.perf_counter()
        self.child = spawn(Command(argv=spec.argv, log=spec.log, env=spec.env))
        self._process = psutil.Process(self.child.pid)

    @property
    def pid(self) -> int:
        """Its process."""
        return self.child.pid

    def wait(self, page: str = "/readyz") -> float:
        """Wait until a page returns 200; returns the seconds since the start."""
        while not http_answers(self.port, page):
            if self.child.poll() is not None or time.perf_counter() - self.began > READY_S:
                raise RuntimeError(f"{self.name} did not become ready: {self.last_lines()}")
            time.sleep(0.01)
        return time.perf_counter() - self.began

    def last_lines(self) -> str:
        """The last lines of its log."""
        return "\n".join(last_lines(self._log))

    def cpu(self) -> float:
        """Seconds of processor time so far, its children's included."""
        used = self._process.cpu_times()
        return used.user + used.system + used.children_user + used.children_system

    def pss(self) -> int:
        """Bytes of memory, shared pages counted by share; its children's included."""
        return sum(process.memory_full_info().pss for process in (self._process, *self._process.children(recursive=True)))

    def metric(self, name: str) -> float:
        """Sum of a metric over its labels."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                text = answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0.0
        return sum(s.value for family in text_string_to_metric_families(text) for s in family.samples if s.name == name)


@contextmanager
def running(specs: Iterable[ChildSpec]) -> Iterator[dict[str, Watched]]:
    """Start services at the same time, and stop them at the end."""
    started: dict[str, Watched] = {}
    try:
        for spec in specs:
            started[spec.name] = Watched(spec)
        yield started
    finally:
        finish([one.child for one in started.values()], 15.0)


def spec_of(name: str, settings: KafkaSettings, folder: Path) -> ChildSpec:
    """Specification of a service, or of a device, with a prefix of its own."""
    variables = settings.environment()
    if name == DEVICE:
        (device,) = planned([DEVICE], folder, remember=False)
        return device_child(device, folder, variables)
    return service_child(name, free_port(), folder, variables)


def until(reached: Callable[[], bool], services: Iterable[Watched], timeout: float) -> None:
    """Wait for a condition that services fulfil.

    Raises
    ------
    RuntimeError
        A service ended, or the time is over.
    """
    deadline = time.monotonic() + timeout
    while not reached():
        for one in services:
            if one.child.poll() is not None:
                raise RuntimeError(f"{one.name} ended with {one.child.returncode}: {one.last_lines()}")
        if time.monotonic() > deadline:
            raise RuntimeError(f"not reached within {timeout:.0f} s")
        time.sleep(0.2)

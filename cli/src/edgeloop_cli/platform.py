"""The whole platform on one machine: Kafka, schema registry, topics, keys, services, devices."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

from edgeloop_local import ChildStatus, LocalStack, Supervisor
from edgeloop_local.ports import PortBook
from edgeloop_local.progress import Progress, Silence
from edgeloop_local.readiness import kafka_answers

from edgeloop_cli import cluster_setup
from edgeloop_cli.connection import Cluster
from edgeloop_cli.fleet import Fleet
from edgeloop_cli.processes import SERVICES, observers, service_child

READY_S = 90.0


class Platform:
    """Starts everything and stops it at the end of a ``with`` block.

    Python takes a second of processor time to start each service, Java some seconds to start its two servers. So the
    services start as soon as Kafka answers and the topics are there, while the registry is still on its way.

    Parameters
    ----------
    data_dir
        Everything that is kept lies here.
    cluster
        A cluster of one's own; ``None`` starts Kafka and the registry here.
    kafka_port, registry_port
        0: last time's if free, else any.
    progress
        Told what happens.
    patience
        Seconds that the servers have to become ready, and the services after them.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        cluster: Cluster | None = None,
        kafka_port: int = 0,
        registry_port: int = 0,
        progress: Progress | None = None,
        patience: float = READY_S,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self._progress = progress or Silence()
        self._given = cluster
        self._stack = None if cluster else LocalStack(self.data_dir, kafka_port, registry_port, self._progress, patience)
        self._services: Supervisor | None = None
        self._fleets: list[Fleet] = []
        self._starting: threading.Thread | None = None
        self._stack_failure: BaseException | None = None
        self._patience = patience
        self.seconds: dict[str, float] = {}

    @property
    def cluster(self) -> Cluster:
        """Addresses of Kafka and the schema registry, once started."""
        if self._given is not None:
            return self._given
        assert self._stack is not None
        return Cluster(self._stack.bootstrap, self._stack.registry_url)

    @property
    def stack(self) -> LocalStack | None:
        """Kafka and registry, if they run here."""
        return self._stack

    def start(self, before_waiting: Callable[[Self], None] = lambda _: None) -> Self:
        """Start everything and wait until the services work.

        Parameters
        ----------
        before_waiting
            Called when the services have been started and are not ready yet: the time to start devices.

        Raises
        ------
        LocalError, FailedError
            Whatever keeps it from working; nothing is left running then.
        """
        began = time.monotonic()
        try:
            starting = self._start_stack()
            self.seconds["kafka"] = time.monotonic() - began
            cluster_setup.create_topics(self.cluster)
            cluster_setup.make_keys(self.data_dir)
            self._services = self._supervisor().start()
            before_waiting(self)
            starting()
            self.seconds["registry"] = time.monotonic() - began
            cluster_setup.apply_all(self.cluster)
            self._services.wait_ready(self._patience)
            self.seconds["services"] = time.monotonic() - began
        except BaseException as error:
            first = self._first_failure(error)
            self.stop()
            if first is error:
                raise
            raise first from None
        return self

    def _first_failure(self, error: BaseException) -> BaseException:
        """The cause of an error: if one of our servers has ended, all its clients fail, too."""
        if self._stack is None or not isinstance(error, Exception):
            return error
        return self._stack_failure or self._stack.first_end() or error

    def observe(self) -> None:
        """Start what looks on, once all else runs: Python's start would only keep the others from theirs."""
        assert self._services is not None
        book = PortBook(self.data_dir / "ports.json")
        for name in observers(os.environ):
            self._services.add(service_child(name, book.choose(name), self.data_dir, self.cluster.environment()))

    def wait_observers(self) -> None:
        """Wait until what looks on works, too."""
        assert self._services is not None
        self._services.wait_ready(self._patience, observers(os.environ))

    def add_fleet(self, fleet: Fleet) -> None:
        """Start devices that end with the platform."""
        self._fleets.append(fleet)
        fleet.start()

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """The devices that were added."""
        return tuple(self._fleets)

    def services(self) -> list[ChildStatus]:
        """The services as they are now."""
        return self._services.status() if self._services is not None else []

    def wait_live(self) -> None:
        """Wait until every device answers."""
        for fleet in self._fleets:
            fleet.wait_live()

    def stop(self) -> None:
        """Stop devices, then services, then Kafka; harmless when repeated."""
        for fleet in self._fleets:
            fleet.stop()
        if self._services is not None:
            self._services.stop()
        if self._stack is not None:
            self._stack.stop()
            if self._starting is not None:  # interrupted half-way: it notices soon
                self._starting.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start_stack(self) -> Callable[[], None]:
        """Start Kafka and the registry; give back once Kafka answers, with what waits for the registry."""
        stack = self._stack
        if stack is None:
            return lambda: None

        def work() -> None:
            try:
                stack.start()
            except BaseException as error:  # told by whoever waits
                self._stack_failure = error

        thread = threading.Thread(target=work, name="stack", daemon=True)
        self._starting = thread
        thread.start()

        def wait() -> None:
            thread.join()
            if self._stack_failure is not None:
                raise self._stack_failure

        while thread.is_alive() and not _kafka_is_up(stack):
            thread.join(0.05)
        if not thread.is_alive():
            wait()
        return wait

    def _supervisor(self) -> Supervisor:
        book = PortBook(self.data_dir / "ports.json")
        environment = self.cluster.environment()
        return Supervisor(service_child(name, book.choose(name), self.data_dir, environment) for name in SERVICES)


def _kafka_is_up(stack: LocalStack) -> bool:
    try:
        port = int(stack.bootstrap.rpartition(":")[2])
    except RuntimeError:  # not that far yet
        return False
    return kafka_answers(port)

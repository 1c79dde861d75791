"""The local stack: Kafka and a schema registry that belong to one data directory."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

from edgeloop_local.artifacts import programs
from edgeloop_local.child_processes import finish
from edgeloop_local.errors import DataDirBusyError, ProcessDiedError, StoppedError, ending
from edgeloop_local.jvm import find_java
from edgeloop_local.kafka import KafkaBroker
from edgeloop_local.locations import DEFAULT_DATA_DIR, NEEDED_FREE_BYTES, require_free_space
from edgeloop_local.orphans import end_orphans
from edgeloop_local.ports import PortBook
from edgeloop_local.process_lock import ProcessLock
from edgeloop_local.progress import Progress, Silence
from edgeloop_local.readiness import http_answers, kafka_answers
from edgeloop_local.records_format import require_format
from edgeloop_local.schema_registry import API, SchemaRegistry
from edgeloop_local.stack_description import ProcessId, StackInfo

if TYPE_CHECKING:
    from edgeloop_local.sasl_listener import SaslListener
    from edgeloop_local.server import Server

_GRACE = 15.0
_TRIES = 3  # to start a server


class LocalStack:
    """
    Starts Kafka and the schema registry, and stops them at the end of a ``with`` block.

    Parameters
    ----------
    data_dir : pathlib.Path
        Holds records, schemas, logs and ports over restarts. One stack at a time can use it.
    kafka_port, registry_port : int
        0: the port of the last run if it is free, else any.
    progress : Progress, optional
        Receives downloads and steps.
    ready_timeout : float
        Seconds in which the servers have to become ready.
    sasl : SaslListener, optional
        A further listener of the broker, for clients that authenticate.

    Examples
    --------
    >>> with LocalStack(Path(".edgeloop")) as stack:  # doctest: +SKIP
    ...     print(stack.bootstrap, stack.registry_url)
    127.0.0.1:23817 http://127.0.0.1:28012/apis/ccompat/v7
    """

    def __init__(
        self,
        data_dir: Path = DEFAULT_DATA_DIR,
        kafka_port: int = 0,
        registry_port: int = 0,
        progress: Progress | None = None,
        ready_timeout: float = 90.0,
        sasl: SaslListener | None = None,
    ) -> None:
        self.data_dir = Path(data_dir).absolute()
        self._fixed = {KafkaBroker.name: kafka_port, SchemaRegistry.name: registry_port}
        self._progress = progress or Silence()
        self._ready_timeout = ready_timeout
        self._sasl = sasl
        self._lock = ProcessLock(self.data_dir / "lock")
        self._stopping = threading.Event()
        self._guard = threading.Lock()  # no start during a stop
        self._kafka: KafkaBroker | None = None
        self._registry: SchemaRegistry | None = None

    @property
    def kafka(self) -> KafkaBroker:
        """The broker, once started."""
        if self._kafka is None:
            raise RuntimeError("the stack has not been started")
        return self._kafka

    @property
    def registry(self) -> SchemaRegistry:
        """The schema registry, once started."""
        if self._registry is None:
            raise RuntimeError("the stack has not been started")
        return self._registry

    @property
    def bootstrap(self) -> str:
        """Kafka's address for clients."""
        return self.kafka.bootstrap

    @property
    def registry_url(self) -> str:
        """The schema registry's address for clients."""
        return self.registry.url

    def start(self) -> Self:
        """
        Start both servers at the same time and wait until they are ready.

        Raises
        ------
        LocalError
            They cannot start; nothing is left running then.
        """
        if not self._lock.try_acquire():
            raise DataDirBusyError(self.data_dir, self._lock.holder())
        self._stopping.clear()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """
        Stop both servers and release the data directory; harmless if they do not run.

        Any thread may call it, also during a start in another thread, which then ends with `StoppedError`.
        """
        self._stopping.set()
        with self._guard:
            if not self._lock.held:
                return
            StackInfo.forget(self.data_dir)
            finish([server.child for server in self.servers() if server.running()], _GRACE)
            self._lock.release()

    def first_end(self) -> ProcessDiedError | None:
        """Return the end of a server that has ended, if any; Kafka's first, since others end with it."""
        return next((error for server in reversed(self.servers()) if (error := server.ended()) is not None), None)

    def restart(self, server: Server) -> None:
        """
        Start `kafka` or `registry` again on the same port: after it has died, or to test clients.

        Raises
        ------
        LocalError
            It does not become ready.
        """
        server.stop(_GRACE)
        server.start()
        server.wait_ready(self._ready_timeout)
        self._describe()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @staticmethod
    def attached(data_dir: Path = DEFAULT_DATA_DIR) -> StackInfo | None:
        """Return the stack that runs on a data directory; None unless both servers are alive and answer."""
        info = StackInfo.load(Path(data_dir))
        if info is None or not info.alive:
            return None
        kafka_port = int(info.bootstrap.rpartition(":")[2])
        registry_port = int(info.registry_url.removesuffix(API).rpartition(":")[2])
        answers = kafka_answers(kafka_port) and http_answers(registry_port, f"{API}/subjects", timeout=5.0)
        return info if answers else None

    def servers(self) -> list[Server]:
        """Return the servers so far in the order of starting, the registry first."""
        return [server for server in (self._registry, self._kafka) if server is not None]

    def _start(self) -> None:
        require_format(self.data_dir)
        end_orphans(self.data_dir, _GRACE)
        ports = PortBook(self.data_dir / "ports.json")
        chosen = {name: ports.choose(name, fixed) for name, fixed in self._fixed.items()}
        require_free_space(self.data_dir, NEEDED_FREE_BYTES)
        java = find_java()
        found = programs(self._progress, stopping=self._stopping)
        logs = self.data_dir / "logs"
        self._registry = SchemaRegistry(
            found,
            java,
            directory=self.data_dir / "registry",
            log=logs / "registry.log",
            port=chosen[SchemaRegistry.name],
        )
        self._kafka = KafkaBroker(
            found,
            java,
            directory=self.data_dir / "kafka",
            log=logs / "kafka.log",
            port=chosen[KafkaBroker.name],
            controller_port=ports.choose("Kafka's controller"),
            sasl=self._sasl,
        )
        self._progress.report("starting Kafka and the schema registry")
        began = time.monotonic()
        self._begin(self._registry)  # first, since it takes longer
        self._begin(self._kafka)
        self._until_ready(self._kafka)
        self._until_ready(self._registry)
        self._describe()
        took = time.monotonic() - began
        self._progress.report(f"ready after {took:.1f} s: Kafka at {self.bootstrap}, schemas at {self.registry_url}")

    def _begin(self, server: Server, *, again: bool = False) -> None:
        with self._guard:
            if self._stopping.is_set():
                raise StoppedError
            server.start(again=again)

    def _until_ready(self, server: Server) -> None:
        """Wait for a server, and start it again if it ends: on a busy machine, a time-out of its own may have ended it."""
        first: ProcessDiedError | None = None
        for tried in range(1, _TRIES + 1):
            try:
                server.wait_ready(self._ready_timeout)
            except ProcessDiedError as error:
                if self._stopping.is_set():
                    raise StoppedError from None
                first = first or error
                if tried < _TRIES:
                    self._progress.report(
                        f"{server.name} {ending(error.ended_with)} while starting; starting it again ({tried + 1} of {_TRIES})"
                    )
                    self._begin(server, again=True)
            else:
                return
        assert first is not None
        raise first

    def _describe(self) -> None:
        pids = [os.getpid(), self.kafka.child.pid, self.registry.child.pid]
        owner, kafka, registry = (ProcessId.of(pid) for pid in pids)
        StackInfo(self.bootstrap, self.registry_url, owner, kafka, registry).save(self.data_dir)

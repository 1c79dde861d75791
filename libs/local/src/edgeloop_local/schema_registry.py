"""One Apicurio Registry with the API of the Confluent schema registry, on the loopback interface."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeloop_local.child_processes import Command
from edgeloop_local.jvm import java_options
from edgeloop_local.ports import LOOPBACK
from edgeloop_local.readiness import http_answers, wait_until
from edgeloop_local.server import Server

if TYPE_CHECKING:
    from pathlib import Path

    from edgeloop_local.artifacts import Programs

API = "/apis/ccompat/v7"
_HEAP_MB = 256
_ENVIRONMENT = {
    # A schema id in Kafka's records must never be lost: H2 would keep a commit in memory for half a second.
    "REGISTRY_DATASOURCE_URL": "jdbc:h2:file:./registry;WRITE_DELAY=0",
    "REGISTRY_DATASOURCE_USERNAME": "sa",
    "REGISTRY_DATASOURCE_PASSWORD": "sa",  # reachable from this machine alone, through the API
    "QUARKUS_DATASOURCE_JDBC_INITIAL_SIZE": "2",
    "QUARKUS_DATASOURCE_JDBC_MIN_SIZE": "2",
    "QUARKUS_DATASOURCE_JDBC_MAX_SIZE": "10",
    "QUARKUS_HTTP_HOST": LOOPBACK,
    "QUARKUS_BANNER_ENABLED": "false",
    "QUARKUS_LOG_LEVEL": "WARN",
    "REGISTRY_LOG_LEVEL": "WARN",
    # The user's environment may set these for another registry.
    "REGISTRY_AUTH_ENABLED": "false",
    "REGISTRY_EVENTS_KSINK": "",
    "REGISTRY_DISABLE_APIS": "/apis/ibmcompat/.*,/ui/.*",
}


class SchemaRegistry(Server):
    """
    A registry process. Schemas and their ids stay in `directory` over restarts.

    Parameters
    ----------
    programs : Programs
        The registry's jar.
    java : pathlib.Path
        The Java to run.
    directory : pathlib.Path
        Its database.
    log : pathlib.Path
        Its output.
    port : int
        For clients.
    """

    name = "the schema registry"

    def __init__(self, programs: Programs, java: Path, *, directory: Path, log: Path, port: int) -> None:
        super().__init__(log)
        self._programs = programs
        self._java = java
        self._directory = directory
        self.port = port

    @property
    def url(self) -> str:
        """The address for clients: the root of the Confluent-compatible API."""
        return f"http://{LOOPBACK}:{self.port}{API}"

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until it lists its subjects; see `wait_until`."""
        # The first response opens the database, and takes longest.
        wait_until(lambda: http_answers(self.port, f"{API}/subjects", timeout=5.0), self.name, self.child, self.log, timeout)

    def _prepare(self) -> Command:
        self._directory.mkdir(parents=True, exist_ok=True)
        return Command(
            argv=[str(self._java), *java_options(_HEAP_MB), "-jar", str(self._programs.registry_jar)],
            env={**_ENVIRONMENT, "QUARKUS_HTTP_PORT": str(self.port)},
            cwd=self._directory,
            log=self.log,
        )

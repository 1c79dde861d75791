"""One Kafka broker in KRaft mode (broker and controller in one process) on the loopback interface."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

from edgeloop_local.child_processes import Command
from edgeloop_local.errors import ProcessDiedError
from edgeloop_local.files import last_lines, write_whole
from edgeloop_local.jvm import java_options
from edgeloop_local.ports import LOOPBACK
from edgeloop_local.readiness import kafka_answers, wait_until
from edgeloop_local.server import Server
from edgeloop_local.storage import LOG_DIR, NODE_ID, format_storage

if TYPE_CHECKING:
    from pathlib import Path

    from edgeloop_local.artifacts import Programs
    from edgeloop_local.sasl_listener import SaslListener

_HEAP_MB = 512
_RECORD_BYTES = 4 * 2**20
SETTINGS: dict[str, str | int] = {
    "process.roles": "broker,controller",
    "node.id": NODE_ID,
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": LOG_DIR,  # relative to the working directory: no path needs escaping
    # A misspelt topic fails, and is not created.
    "auto.create.topics.enable": "false",
    # One broker holds the only replica. Partitions are few, since each costs files and start-up time.
    "default.replication.factor": 1,
    "offsets.topic.replication.factor": 1,
    "offsets.topic.num.partitions": 4,
    "transaction.state.log.replication.factor": 1,
    "transaction.state.log.min.isr": 1,
    "transaction.state.log.num.partitions": 4,
    "share.coordinator.state.topic.replication.factor": 1,
    "share.coordinator.state.topic.min.isr": 1,
    "share.coordinator.state.topic.num.partitions": 1,
    # A killed client's transaction is aborted within this time after its time-out (default 10 s).
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": 2_000,
    # After a crash the broker registers only once its previous session has ended: after 6 s instead of 9.
    # A shorter session would fence the broker on a busy machine.
    "broker.session.timeout.ms": 6_000,
    "broker.heartbeat.interval.ms": 500,
    # There are no peers to wait for. A killed service gets its partitions back after 6 s.
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 2_000,
    # Chunks of 512 KiB and batches of rows fit easily.
    "message.max.bytes": _RECORD_BYTES,
    "replica.fetch.max.bytes": _RECORD_BYTES,
    # Compacted state topics shrink within seconds. The buffer's default of 128 MB does not fit a small heap.
    "log.cleaner.enable": "true",
    "log.cleaner.backoff.ms": 5_000,
    "log.cleaner.dedupe.buffer.size": 16 * 2**20,
    "log.segment.bytes": 64 * 2**20,
    "log.retention.check.interval.ms": 60_000,
    # Few threads: the other cores are for the services.
    "num.network.threads": 2,
    "num.io.threads": 4,
    "background.threads": 4,
    "num.recovery.threads.per.data.dir": 2,
    "controlled.shutdown.enable": "true",
}
_LOGGING = {
    "defaultLogLevel": "warn",
    "log.kafka.server": "info",
    "log.org.apache.kafka.coordinator": "info",
    "log.org.apache.kafka.common.config": "warn",  # hundreds of lines of settings
    "showDateTime": "true",
    "dateTimeFormat": "yyyy-MM-dd HH:mm:ss.SSS",
    "showThreadName": "false",
    "showShortLogName": "true",
}


class KafkaBroker(Server):
    """
    A broker process.

    Parameters
    ----------
    programs : Programs
        Kafka's jars.
    java : pathlib.Path
        The Java to run.
    directory : pathlib.Path
        Its settings and its records; created and formatted at the first start.
    log : pathlib.Path
        Its output.
    port : int
        For clients.
    controller_port : int
        For the controller.
    sasl : SaslListener, optional
        A further listener.
    """

    name = "Kafka"

    def __init__(
        self,
        programs: Programs,
        java: Path,
        *,
        directory: Path,
        log: Path,
        port: int,
        controller_port: int,
        sasl: SaslListener | None = None,
    ) -> None:
        super().__init__(log)
        self._programs = programs
        self._java = java
        self._directory = directory
        self._controller_port = controller_port
        self._sasl = sasl
        self.port = port

    @property
    def bootstrap(self) -> str:
        """The address for clients."""
        return f"{LOOPBACK}:{self.port}"

    def wait_ready(self, timeout: float = 60.0) -> None:
        """Wait until it serves; see `wait_until`."""
        wait_until(lambda: kafka_answers(self.port), self.name, self.child, self.log, timeout)

    def _prepare(self) -> Command:
        settings = self._directory.absolute() / "server.properties"
        controller = f"{LOOPBACK}:{self._controller_port}"
        own = {
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "controller.quorum.voters": f"{NODE_ID}@{controller}",
        }
        wanted = {**SETTINGS, **own}
        if self._sasl is not None:
            wanted |= self._sasl.settings(wanted)
        write_whole(settings, "".join(f"{key}={value}\n" for key, value in wanted.items()))
        format_storage(self._directory, self._programs.formats, self._run_format_tool)
        return Command(
            argv=[*self._jvm(_HEAP_MB), "kafka.Kafka", settings.name],
            env=self._env(),
            cwd=self._directory,
            log=self.log,
        )

    def _run_format_tool(self, cluster_id: str) -> None:
        tool = [*self._jvm(128), "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", "server.properties"]
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as log:
            run = subprocess.run(tool, cwd=self._directory, env={**os.environ, **self._env()}, stdout=log, stderr=log, check=False)
        if run.returncode != 0:
            raise ProcessDiedError("Kafka's format tool", run.returncode, self.log, last_lines(self.log))

    def _jvm(self, heap_mb: int) -> list[str]:
        logging = [f"-Dorg.slf4j.simpleLogger.{key}={value}" for key, value in _LOGGING.items()]
        return [str(self._java), *java_options(heap_mb), *logging]

    def _env(self) -> dict[str, str]:
        # In the environment: on the command line, 46 paths would hide everything else in `ps`.
        return {"CLASSPATH": os.pathsep.join(str(jar) for jar in self._programs.kafka_jars)}

"""A service as a process: settings, clients, health, signals and watchdogs."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from confluent_kafka import KafkaException
from edgeloop_contracts import Topic
from edgeloop_errors import EXIT_HUNG, EXIT_UNUSABLE, EdgeloopError, FatalError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.earlier_release import refuse_earlier_release
from edgeloop_kafka.publisher import Publisher
from edgeloop_kafka.reachability import describe, reach
from edgeloop_kafka.schema_lookup import RegistryRefusedError, RegistryUnavailableError
from edgeloop_kafka.schema_registry import SchemaRegistry
from edgeloop_kafka.settings import KafkaSettings, unusable
from edgeloop_readers.follower import Follower
from edgeloop_readers.latest_records import LatestRecords
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_readers.range_reader import RangeReader
from edgeloop_readers.skipped_records import SkippedRecords
from edgeloop_readers.table import Table
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from edgeloop_streaming.arguments import parse_arguments
from edgeloop_streaming.health import HealthServer
from edgeloop_streaming.host_load import Age
from edgeloop_streaming.key_updates import KeyUpdater
from edgeloop_streaming.loop import Loop
from edgeloop_streaming.progress import Calls
from edgeloop_streaming.service import Service
from edgeloop_streaming.state_recovery import UnreadableStateError
from edgeloop_streaming.telemetry import LoopMetrics, configure_logs

HUNG_S = 45.0
LONGEST_CALL_S = 5.5  # the time-outs of all calls are shorter
CHECK_S = 0.5
EXIT_FAILED = 1


class Context:
    """Clients, logs and metrics of a process; made once, in its composition root.

    Parameters
    ----------
    settings
        Shared settings.
    name
        Name of the service, for logs and ``ce_source``.
    """

    def __init__(self, settings: KafkaSettings, name: str) -> None:
        self.settings = settings
        self.name = name
        self.log: Any = configure_logs(settings.log, service=name, instance=settings.instance)
        self.metrics = CollectorRegistry()
        self.schemas = SchemaRegistry(settings.schema_registry_url)
        self.codec = Codec(self.schemas, settings.topic_prefix)
        self.skipped = SkippedRecords(name, self.log, self.metrics, self.publisher)

    def reader(self) -> RangeReader:
        """A reader of offset ranges."""
        return RangeReader(self.settings, self.codec, self.skipped)

    def follower(self, topics: Iterable[Topic]) -> Follower:
        """A follower of whole topics."""
        return Follower(self.settings, self.codec, topics, self.skipped)

    def table(self, topic: Topic) -> Table:
        """The newest record of each key of a topic."""
        return Table(self.follower([topic]))

    def latest_records(self, topic: Topic) -> LatestRecords:
        """The newest record of each key of a topic, garbage included."""
        return LatestRecords(PartitionReader(self.settings), self.codec, self.settings.topic_prefix, topic)

    def publisher(self, timeout_s: float | None = 30.0) -> Publisher:
        """A producer without transactions; it gives a record up after ``timeout_s``, or never."""
        return Publisher(self.settings, self.codec, self.name, timeout_s)

    def refuse_earlier_release(self) -> None:
        """Refuse a cluster of release 0.1. Without an answer of the schema registry a process goes on, as at any other time.

        Raises
        ------
        EarlierReleaseError
            The cluster holds records of release 0.1.
        """
        with suppress(RegistryRefusedError, RegistryUnavailableError):
            refuse_earlier_release(self.schemas, self.settings.topic_prefix)

    def key_updater(self, topic: Topic) -> KeyUpdater:
        """A writer of records that follow the newest one of their key."""
        return KeyUpdater(self.settings, self.codec, self.name, topic, self.table(topic))


class StopSignal:
    """A flag that SIGTERM and SIGINT set."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Handle the signals of this process; only its main thread may call this."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self._event.set()

    def __call__(self) -> bool:
        return self._event.is_set()


@contextmanager
def setting_up(name: str, *kinds: type[BaseSettings]) -> Iterator[None]:
    """Load the settings of a process in this context: invalid ones end it with one line and exit code 2.

    The command line is parsed first, so that ``--help`` works without required settings.

    Parameters
    ----------
    name
        Name of the service.
    kinds
        Settings of its own.

    Raises
    ------
    SystemExit
        A ``ValueError`` was raised, help was requested, or an argument is unknown.
    """
    parse_arguments(name, kinds)
    try:
        yield
    except ValueError as error:
        log = configure_logs("json" if os.environ.get("EDGELOOP_LOG") == "json" else "text", service=name)
        log.error("settings", error=unusable(error, name))
        raise SystemExit(EXIT_UNUSABLE) from None


def run(build: Callable[[], Service], context: Context) -> int:
    """Run a service until a stop signal; give back the exit code.

    A crash ends the process without a commit. A supervisor starts it again.

    Parameters
    ----------
    build
        Makes the service; called once Kafka answers.
    context
        Of this process.
    """
    stop = StopSignal()
    stop.listen()
    faulthandler.enable()
    state: dict[str, Loop] = {}
    ages: list[Callable[[], float]] = []
    health = HealthServer(
        context.settings.http_host,
        context.settings.http_port,
        context.metrics,
        healthy=lambda: all(age() < HUNG_S for age in ages),
        ready=lambda: "loop" in state and state["loop"].assigned,
    )
    try:
        if context.settings.http_port:
            health.start()
        if reach(context.settings, stop):
            context.refuse_earlier_release()
            service = build()
            calls = Calls()
            watch_calls(calls, LONGEST_CALL_S, context.log)
            loop = state["loop"] = Loop(service, context.settings, context.codec, LoopMetrics(context.metrics), context.log, calls)
            ages.append(watch(lambda: alive(loop), HUNG_S, context.log))
            loop.run(stop)
    except UnreadableStateError as error:
        context.log.error("halted", error=str(error), at=error.place)
        return error.exit_code
    except KafkaException as error:
        context.log.error("stopped", error=describe(context.settings, error))
        return EXIT_FAILED
    except (EdgeloopError, TimeoutError) as error:  # a retryable error outlasted its retries
        context.log.error("stopped", error=str(error), kind=type(error).__name__)
        return error.exit_code if isinstance(error, FatalError) else EXIT_FAILED
    context.log.info("stopped")
    return 0


def alive(loop: Loop) -> float:
    """The last time when a loop turned and had moved, or had no input."""
    return min(loop.beat, loop.progress.moved)


def watch(beat: Callable[[], float], limit_s: float, log: Any) -> Callable[[], float]:
    """End the process when ``beat()`` is older than ``limit_s``; give back a function that returns its age.

    Time is counted in ticks. A stopped process has none, and a tick on a busy machine counts less.
    """
    age, oldest = Age(2 * CHECK_S), [0.0]

    def check() -> None:
        while oldest[0] <= limit_s:
            time.sleep(CHECK_S)
            age.tick()
            oldest[0] = age.of(beat())
        _end(log, limit_s)

    threading.Thread(target=check, name="watchdog", daemon=True).start()
    return lambda: oldest[0]


def watch_calls(calls: Calls, limit_s: float, log: Any) -> None:
    """End the process when one call lasts longer than ``limit_s``: such a call never returns.

    Time is counted as by :func:`watch`.
    """
    age = Age(2 * CHECK_S)

    def check() -> None:
        seen, lasted = 0, 0.0
        while lasted <= limit_s:
            time.sleep(CHECK_S)
            number, passed = calls.number, age.tick()
            lasted = lasted + passed if number == seen and number % 2 else 0.0
            seen = number
        _end(log, limit_s)

    threading.Thread(target=check, name="watchdog of calls", daemon=True).start()


def _end(log: Any, seconds: float) -> None:
    log.error("hung", seconds=seconds)
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(EXIT_HUNG)

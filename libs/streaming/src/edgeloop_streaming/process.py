"""A service as a process: settings, clients, health, signals, and a watchdog."""

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
from edgeloop_errors import EdgeloopError, FatalError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.earlier_release import refuse_earlier_release
from edgeloop_kafka.publisher import Publisher
from edgeloop_kafka.reachability import reach, told
from edgeloop_kafka.schema_lookup import RegistryRefusedError, RegistryUnavailableError
from edgeloop_kafka.schema_registry import SchemaRegistry
from edgeloop_kafka.settings import KafkaSettings, unusable
from edgeloop_readers.follower import Follower
from edgeloop_readers.latest_records import Standing
from edgeloop_readers.partition_reader import PartitionReader
from edgeloop_readers.range_reader import RangeReader
from edgeloop_readers.skipped_records import SkippedRecords
from edgeloop_readers.table import Table
from prometheus_client import CollectorRegistry
from pydantic_settings import BaseSettings

from edgeloop_streaming.arguments import look_at
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
LOOK_S = 0.5
EXIT_FAILED = 1
EXIT_UNUSABLE = 2
EXIT_HUNG = 75


class Context:
    """What a process needs to take part: made once, in its composition root.

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

    def standing(self, topic: Topic) -> Standing:
        """What stands under the keys of a topic."""
        return Standing(PartitionReader(self.settings), self.codec, self.settings.topic_prefix, topic)

    def publisher(self, timeout_s: float | None = 30.0) -> Publisher:
        """A producer without transactions, which gives a record up after ``timeout_s``, or never."""
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
        """Writes what follows the newest record of a key."""
        return KeyUpdater(self.settings, self.codec, self.name, topic, self.table(topic))


class StopSignal:
    """Becomes true at SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Take the signals of this process; only its main thread may call this."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _: int, __: FrameType | None) -> None:
        self._event.set()

    def __call__(self) -> bool:
        return self._event.is_set()


@contextmanager
def setting_up(name: str, *kinds: type[BaseSettings]) -> Iterator[None]:
    """Around what takes up the settings of a process: where they make no sense it ends with one line that says why, and exit code 2.

    Its command line is looked at first, so that ``--help`` tells the settings of a process that lacks some.

    Parameters
    ----------
    name
        Of the service.
    kinds
        Settings of its own.

    Raises
    ------
    SystemExit
        A ``ValueError`` came up, help was asked for, or an argument is unknown.
    """
    look_at(name, kinds)
    try:
        yield
    except ValueError as error:
        log = configure_logs("json" if os.environ.get("EDGELOOP_LOG") == "json" else "text", service=name)
        log.error("settings", error=unusable(error, name))
        raise SystemExit(EXIT_UNUSABLE) from None


def run(build: Callable[[], Service], context: Context) -> int:
    """Run a service until it is told to stop; give back the exit code.

    A crash ends the process: nothing is committed, and whoever started it starts it again.

    Parameters
    ----------
    build
        Makes the service, called when Kafka answers.
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
        context.log.error("stopped", error=told(context.settings, error))
        return EXIT_FAILED
    except (EdgeloopError, TimeoutError) as error:  # what may be repeated has been for long enough
        context.log.error("stopped", error=str(error), kind=type(error).__name__)
        return error.exit_code if isinstance(error, FatalError) else EXIT_FAILED
    context.log.info("stopped")
    return 0


def alive(loop: Loop) -> float:
    """When a loop last turned and had moved, or had nothing to do."""
    return min(loop.beat, loop.progress.moved)


def watch(beat: Callable[[], float], limit_s: float, log: Any) -> Callable[[], float]:
    """End the process when ``beat()`` is older than ``limit_s``; give back what tells how old it is.

    Time is counted in looks, of which there are none while the process is stopped, and less of each where others take the machine.
    """
    age, oldest = Age(2 * LOOK_S), [0.0]

    def look() -> None:
        while oldest[0] <= limit_s:
            time.sleep(LOOK_S)
            age.look()
            oldest[0] = age.of(beat())
        _end(log, limit_s)

    threading.Thread(target=look, name="watchdog", daemon=True).start()
    return lambda: oldest[0]


def watch_calls(calls: Calls, limit_s: float, log: Any) -> None:
    """End the process when one call lasts longer than ``limit_s``: it never comes back.

    Time is counted as by :func:`watch`.
    """
    age = Age(2 * LOOK_S)

    def look() -> None:
        seen, lasted = 0, 0.0
        while lasted <= limit_s:
            time.sleep(LOOK_S)
            number, passed = calls.number, age.look()
            lasted = lasted + passed if number == seen and number % 2 else 0.0
            seen = number
        _end(log, limit_s)

    threading.Thread(target=look, name="watchdog of calls", daemon=True).start()


def _end(log: Any, seconds: float) -> None:
    log.error("hung", seconds=seconds)
    faulthandler.dump_traceback(file=sys.stderr)
    os._exit(EXIT_HUNG)

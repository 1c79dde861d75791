"""Metrics and logs of a process."""

from __future__ import annotations

import logging
import sys
from typing import Any, Literal

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


def halted_gauge(registry: CollectorRegistry) -> Gauge:
    """Offsets that retention deleted before they were handled; their partitions are halted."""
    return Gauge("edgeloop_halted_offsets", "Offsets deleted before they were handled", ["topic", "partition"], registry=registry)


class LoopMetrics:
    """Metrics of the transactional loop.

    Parameters
    ----------
    registry
        Where the metrics are registered; one a process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        # records that took effect, by topic
        self.handled = Counter("edgeloop_records_handled", "Records handled and committed", ["topic"], registry=registry)
        # records in the dead letters; should be zero
        self.dead = Counter("edgeloop_records_dead", "Records sent to the dead letters", ["topic", "reason"], registry=registry)
        # records of a kind that a newer version added
        self.skipped = Counter("edgeloop_records_skipped", "Records of an unknown kind", ["topic"], registry=registry)
        # records handled one by one by a task that handles many at once, which takes several times as long: as the codec could not decode them
        # at once (writers' schemas that differ, or with fields of other types), or as one of them needs single handling in the task
        self.single = Counter("edgeloop_records_single", "Records not handled in bulk", ["topic", "reason"], registry=registry)
        # transactions that committed, with the time from begin to commit
        self.transactions = Histogram(
            "edgeloop_transaction_seconds",
            "Time from begin to commit",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=registry,
        )
        # restores of the state after a doubtful outcome
        self.recoveries = Counter("edgeloop_recoveries", "Producers dropped because an outcome was in doubt", registry=registry)
        # errors that the Kafka client reported
        self.client_errors = Counter("edgeloop_client_errors", "Errors reported by the Kafka client", registry=registry)
        # records committed upstream and not handled yet
        self.lag = Gauge("edgeloop_consumer_lag", "Records not handled yet", ["topic", "partition"], registry=registry)
        # offsets deleted before they were handled; their partitions wait for a skip
        self.halted = halted_gauge(registry)
        # partitions halted by the limit of dead letters
        self.halted_by_letters = Gauge(
            "edgeloop_halted_dead_letters", "Partitions halted by too many dead letters", ["topic", "partition"], registry=registry
        )
        # time from an event's ce_time to its commit here
        self.age = Histogram(
            "edgeloop_event_age_seconds",
            "Age of an event when its effect was committed",
            ["topic"],
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60),
            registry=registry,
        )


_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class LogThreshold:
    """Drops entries below a level, which may be changed while the process runs."""

    def __init__(self) -> None:
        self._least = logging.INFO

    def set(self, level: str) -> None:
        """Log from this level on: DEBUG, INFO, WARNING or ERROR."""
        self._least = _LEVELS[level.lower()]

    def __call__(self, _: Any, method: str, event: Any) -> Any:
        """Drop an entry, or hand it on, as a processor of structlog."""
        if _LEVELS.get(method, logging.ERROR) < self._least:
            raise structlog.DropEvent
        return event


LOG_THRESHOLD = LogThreshold()


def configure_logs(style: Literal["text", "json"], **bound: str) -> Any:
    """Write structured logs to standard error; give back the process's logger."""
    renderer: Any = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            LOG_THRESHOLD,
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger().bind(**bound)

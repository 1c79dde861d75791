"""Metrics, health and logs of a process."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

import structlog
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest


class LoopMetrics:
    """What the transactional loop tells of itself.

    Parameters
    ----------
    registry
        Where the metrics are registered; one a process.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        # records that took effect, by topic
        self.handled = Counter("edgeloop_records_handled", "Records handled and committed", ["topic"], registry=registry)
        # records in the dead letters: anything but zero wants a look
        self.dead = Counter("edgeloop_records_dead", "Records sent to the dead letters", ["topic", "reason"], registry=registry)
        # records of a kind that a newer version added
        self.skipped = Counter("edgeloop_records_skipped", "Records of an unknown kind", ["topic"], registry=registry)
        # transactions that committed, with the time from begin to commit
        self.transactions = Histogram(
            "edgeloop_transaction_seconds",
            "Time from begin to commit",
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
            registry=registry,
        )
        # times the state was read again because an outcome was in doubt
        self.recoveries = Counter("edgeloop_recoveries", "Producers dropped because an outcome was in doubt", registry=registry)
        # errors that the Kafka client reported
        self.client_errors = Counter("edgeloop_client_errors", "Errors reported by the Kafka client", registry=registry)
        # records committed upstream and not handled yet
        self.lag = Gauge("edgeloop_consumer_lag", "Records not handled yet", ["topic", "partition"], registry=registry)
        # time from an event's ce_time to its commit here
        self.age = Histogram(
            "edgeloop_event_age_seconds",
            "Age of an event when its effect was committed",
            ["topic"],
            buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60),
            registry=registry,
        )


def configure_logs(style: Literal["text", "json"], **bound: str) -> Any:
    """Write structured logs to standard error; give back the process's logger."""
    renderer: Any = structlog.processors.JSONRenderer() if style == "json" else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
        cache_logger_on_first_use=True,
    )
    return structlog.get_logger().bind(**bound)


class HealthServer:
    """Serves ``/metrics``, ``/healthz`` and ``/readyz`` in a thread.

    Parameters
    ----------
    host, port
        Where to listen; port 0 takes a free one, see :attr:`port`.
    registry
        Metrics to show.
    healthy, ready
        Asked at each request.
    """

    def __init__(self, host: str, port: int, registry: CollectorRegistry, healthy: Callable[[], bool], ready: Callable[[], bool]) -> None:
        pages: dict[str, Callable[[], tuple[int, str, bytes]]] = {
            "/metrics": lambda: (200, CONTENT_TYPE_LATEST, generate_latest(registry)),
            "/healthz": lambda: _verdict(healthy()),
            "/readyz": lambda: _verdict(ready()),
        }

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, kind, content = pages.get(self.path.partition("?")[0], lambda: (404, "text/plain", b"not found\n"))()
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride] - what is said is not looked at
                return

        self._server = ThreadingHTTPServer((host, port), Handler)
        self._server.daemon_threads = True
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, name="health", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()


def _verdict(good: bool) -> tuple[int, str, bytes]:
    return (200, "text/plain", b"ok\n") if good else (503, "text/plain", b"not ready\n")

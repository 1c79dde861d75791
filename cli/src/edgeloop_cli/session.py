"""Connection of a run to the platform: records that come back, and the wait for settlement."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from edgeloop_contracts import topics
from edgeloop_contracts.services import SERVICES
from edgeloop_kafka import Received
from edgeloop_readers.topic_scan import Scanner
from edgeloop_replay.ledger import Ledger
from edgeloop_streaming import Context

from edgeloop_cli.core.settlement import Snapshot, behind, expected, settled, snapshot, unsettled
from edgeloop_cli.errors import FailedError

STUCK_S = 60.0
LOOK_S = 0.5
_WATCHED = (*topics.PUBLIC, *map(topics.dead_letters, topics.STATE_KINDS))
_COUNTED_LATER = (topics.OBSERVATIONS_RAW, topics.LABELS_RAW, topics.LABELS)  # as observations and as examples


def consumed() -> dict[str, tuple[str, ...]]:
    """By service: the topics that its group consumes."""
    return {service: tuple(topic.name for topic in SERVICES[service].inputs) for service in topics.STATE_KINDS}


class Session:
    """Watches one stream.

    Parameters
    ----------
    context
        Of this process.
    key
        ``tenant/stream``.
    ledger
        Where everything that comes is folded into.
    tell
        Called now and then while waiting, so that a display lives.
    """

    def __init__(self, context: Context, key: str, ledger: Ledger, tell: Callable[[], None] = lambda: None) -> None:
        self.ledger = ledger
        self._tell = tell
        self._inputs = consumed()
        head = f"{key}/"
        # Chunks are keyed by digest; nobody waits for them by themselves.
        watched = [topic for topic in _WATCHED if topic is not topics.MODEL_CHUNKS]
        self._scanner = Scanner(
            context.settings,
            context.codec,
            watched,
            topics.STATE_KINDS,
            lambda k: k == key or k.startswith(head),
            unread=_COUNTED_LATER,
            skipped=context.skipped,
        )
        self.starts = self._scanner.starts
        self.listeners: list[Callable[[Received[Any]], None]] = []

    def absorb(self, timeout: float = 0.0) -> int:
        """Take in what comes within ``timeout`` seconds; give back how many records."""
        records = self._scanner.poll(timeout)
        self._take(records)
        self._tell()
        return len(records)

    def until(self, done: Callable[[], bool], what: str, timeout: float = STUCK_S) -> None:
        """Wait for something.

        Raises
        ------
        FailedError
            It does not come in time.
        """
        deadline = time.monotonic() + timeout
        while not done():
            self.absorb(0.05)
            if time.monotonic() > deadline:
                raise FailedError(f"{what} did not come within {timeout:.0f} s; {'; '.join(self._state()) or 'nothing is on its way'}")

    def settle(self, timeout: float = STUCK_S) -> None:
        """Wait until two scans, one after the other, show everything done.

        Raises
        ------
        FailedError
            Nothing has moved for ``timeout`` seconds; tells which service is behind.
        """
        before: Snapshot | None = None
        moved = looked = time.monotonic()
        state = ""
        while True:
            # What has been read already tells most of the time that it is too early for a scan.
            read = snapshot(self.ledger, self._inputs, self._scanner.ends, self._scanner.handled)
            if expected(read) or behind(read):
                before = None
                self.absorb(0.02)
            else:
                now = self._look()
                if before is not None and settled(before, now):
                    return
                before = now
            at = time.monotonic()
            if at - looked > LOOK_S:
                looked, latest = at, repr(read)
                if latest != state:
                    moved, state = at, latest
                elif at - moved > timeout:
                    raise FailedError(f"nothing has moved for {timeout:.0f} s; behind: {'; '.join(self._state())}")

    def close(self) -> None:
        """Close the connection."""
        self._scanner.close()

    def _look(self) -> Snapshot:
        scan, records = self._scanner.scan()
        self._take(records)
        self._tell()
        return snapshot(self.ledger, self._inputs, scan.ends, scan.committed)

    def _state(self) -> list[str]:
        now = self._look()
        return unsettled(now) + ([f"{now.dead} of its records are in dead letters"] if now.dead else [])

    def _take(self, records: Iterable[Received[Any]]) -> None:
        for record in records:
            self.ledger.fold(record.event, record.key, record.timestamp, record.id, record.at)
            for listener in self.listeners:
                listener(record)

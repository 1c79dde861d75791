"""Champions, and the answers of the model registry to candidates."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from edgeloop_contracts import CandidateRefused, ModelVersion, StreamKey
from edgeloop_kafka import Received

PATIENCE_S = 30.0


class Followed(Protocol):
    """The part of :class:`edgeloop_readers.Follower` that is used on ``model.events``."""

    def refresh(self, handle: Callable[[Received[Any]], None]) -> None:
        """Pass on all records that were committed before the call."""
        ...


class Champions:
    """Versions of all streams, and the requests whose candidates have been answered.

    Parameters
    ----------
    follower
        Of ``model.events``.
    clock
        Monotonic time in seconds.
    """

    def __init__(self, follower: Followed, clock: Callable[[], float] = time.monotonic) -> None:
        self._follower = follower
        self._clock = clock
        self._versions: dict[str, dict[int, ModelVersion]] = {}
        self._digests: set[str] = set()
        self._answered: set[tuple[str, str]] = set()
        self._asked: dict[tuple[str, str], float] = {}

    def refresh(self) -> None:
        """Read all committed events."""
        self._follower.refresh(self._take)

    def get(self, key: str) -> ModelVersion | None:
        """Champion of a stream, ``tenant/stream``, as of the last :meth:`refresh`."""
        known = self._versions.get(key)
        return known[max(known)] if known else None

    def versions(self, key: str) -> list[ModelVersion]:
        """All versions of a stream in rising order, the champion last, as of the last :meth:`refresh`."""
        return [version for _, version in sorted(self._versions.get(key, {}).items())]

    def knows(self, digest: str) -> bool:
        """Whether a version of any stream has this file."""
        return digest in self._digests

    def answered(self, key: str, request_id: str) -> bool:
        """Whether the candidate of a request has become a version or was refused.

        It is also true after half a minute of asking. The model registry is away then, and the next challenger is judged against the
        present champion; at worst the registry refuses it as stale.
        """
        asked = (key, request_id)
        if asked not in self._answered:
            self.refresh()
        if asked in self._answered:
            self._asked.pop(asked, None)
            return True
        return self._clock() - self._asked.setdefault(asked, self._clock()) > PATIENCE_S

    def _take(self, record: Received[Any]) -> None:
        event = record.event
        if isinstance(event, ModelVersion | CandidateRefused):
            key = StreamKey.of(event)
            if event.request_id is not None:
                self._answered.add((key, event.request_id))
            if isinstance(event, ModelVersion):
                self._digests.add(event.file.digest)
                self._versions.setdefault(key, {})[event.version] = event

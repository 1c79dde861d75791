"""Versions and refusals of the model registry, by stream."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from edgeloop_contracts import CandidateRefused, ModelVersion, StreamKey
from edgeloop_kafka.received_record import Received


class VersionFollower(Protocol):
    """The part of :class:`edgeloop_readers.Follower` on ``model.events`` that is used here."""

    def refresh(self, handle: Callable[[Received[Any]], None]) -> None:
        """Hand over everything that was committed when this was called."""
        ...


class ModelVersions:
    """Versions of all streams, and the requests that the model registry has answered.

    A version that has answered a row was committed before the device knew it. So one refresh suffices to find it, and a version
    that is not there then does not exist.

    Parameters
    ----------
    follower
        Of ``model.events``.
    """

    def __init__(self, follower: VersionFollower) -> None:
        self._follower = follower
        self._versions: dict[str, dict[int, ModelVersion]] = {}
        self._digests: set[str] = set()
        self._answered: set[tuple[str, str]] = set()

    def refresh(self) -> None:
        """Read what has been committed until now."""
        self._follower.refresh(self._add)

    def all(self, key: str) -> list[ModelVersion]:
        """All versions of a stream, ``tenant/stream``, in rising order, as of the last refresh."""
        return [version for _, version in sorted(self._versions.get(key, {}).items())]

    def champion(self, key: str) -> ModelVersion | None:
        """The newest version of a stream as of the last refresh."""
        known = self._versions.get(key)
        return known[max(known)] if known else None

    def first(self, key: str) -> ModelVersion | None:
        """The first version of a stream; refreshes where none is known."""
        if key not in self._versions:
            self.refresh()
        known = self._versions.get(key)
        return known[min(known)] if known else None

    def get(self, key: str, version: int) -> ModelVersion | None:
        """A version of a stream; refreshes where it is not known. ``None`` for one that does not exist."""
        if version not in self._versions.get(key, {}):
            self.refresh()
        return self._versions.get(key, {}).get(version)

    def knows(self, digest: str) -> bool:
        """Whether a version of any stream has this file."""
        return digest in self._digests

    def answered(self, key: str, request_id: str) -> bool:
        """Whether the candidate of a request has become a version or was refused; refreshes where it is not known."""
        if (key, request_id) not in self._answered:
            self.refresh()
        return (key, request_id) in self._answered

    def _add(self, record: Received[Any]) -> None:
        event = record.event
        if isinstance(event, ModelVersion | CandidateRefused):
            key = StreamKey.of(event)
            if event.request_id is not None:
                self._answered.add((key, event.request_id))
            if isinstance(event, ModelVersion):
                self._digests.add(event.file.digest)
                self._versions.setdefault(key, {})[event.version] = event

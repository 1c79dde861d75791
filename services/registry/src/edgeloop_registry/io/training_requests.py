"""The training requests that there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from edgeloop_contracts import TrainingRequest
from edgeloop_kafka import Received


class Followed(Protocol):
    """What is needed of :class:`edgeloop_readers.Follower` on ``training.requests``."""

    def refresh(self, handle: Callable[[Received[Any]], None]) -> None:
        """Hand over everything that was committed when this was called."""
        ...


class Requests:
    """Where each request lies. A trainer has read the request that it answers, so whoever looks then finds it.

    Parameters
    ----------
    follower
        Of ``training.requests``.
    """

    def __init__(self, follower: Followed) -> None:
        self._follower = follower
        self._offsets: dict[tuple[str, str, str], int] = {}

    def offset(self, tenant: str, stream: str, request_id: str) -> int | None:
        """Offset of a request in its stream's partition; ``None`` if there is none."""
        named = (tenant, stream, request_id)
        if named not in self._offsets:
            self._follower.refresh(self._note)
        return self._offsets.get(named)

    def _note(self, record: Received[Any]) -> None:
        if isinstance(record.event, TrainingRequest):
            request = record.event
            # The first of that name: one made again later would bring an old answer back.
            self._offsets.setdefault((request.tenant, request.stream, request.request_id), record.offset)

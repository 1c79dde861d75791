"""Champions, and the answers of the model registry to candidates."""

from __future__ import annotations

import time
from collections.abc import Callable

from edgeloop_datasets import ModelVersions
from edgeloop_datasets.model_versions import VersionFollower

PATIENCE_S = 30.0


class Champions(ModelVersions):
    """Versions of all streams, and the requests whose candidates have been answered.

    Parameters
    ----------
    follower
        Of ``model.events``.
    clock
        Monotonic time in seconds.
    """

    def __init__(self, follower: VersionFollower, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(follower)
        self._clock = clock
        self._asked: dict[tuple[str, str], float] = {}

    def settled(self, key: str, request_id: str) -> bool:
        """Whether the candidate of a request was answered, or half a minute of asking has passed.

        After that time the model registry counts as away. The next challenger is judged against the present champion; at worst the
        registry refuses it as stale.
        """
        asked = (key, request_id)
        if self.answered(key, request_id):
            self._asked.pop(asked, None)
            return True
        return self._clock() - self._asked.setdefault(asked, self._clock()) > PATIENCE_S

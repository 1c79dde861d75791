"""The fleet of a replay: all devices have the same version and adapter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from edgeloop_contracts import AdapterMember
from edgeloop_inference.core.archive_plan import ArchivedFile, kept_files
from edgeloop_mixture.learner import Learner
from edgeloop_mixture.mixture import Adapter, Frame, with_member
from edgeloop_mixture.rule import Rule
from edgeloop_mixture.session import Feeds, MixtureSession
from numpy.typing import NDArray

from edgeloop_replay.models import Version


def member(version: Version) -> AdapterMember:
    """A version as a member of a mixture."""
    event = version.event
    return AdapterMember(version=event.version, file=event.file, classes=event.classes)


class Sessions:
    """Mixtures that are ready to answer, made once for each composition."""

    def __init__(self, rule: Rule, versions: Mapping[int, Version]) -> None:
        self._rule = rule
        self._versions = versions
        self._made: dict[Any, MixtureSession] = {}

    def of(self, frame: Frame) -> MixtureSession:
        """The session of a frame."""
        key = (tuple(m.version for m in frame.members), frame.classes, id(frame.scaling))
        if key not in self._made:
            models = [self._versions[m.version].model.onnx for m in frame.members]
            self._made[key] = MixtureSession(frame, models, self._rule)
            while len(self._made) > 4:
                del self._made[next(iter(self._made))]
        return self._made[key]


class Serving:
    """Version and adapter of all devices.

    Attributes
    ----------
    version, adapter
        Numbers of what answers; adapter 0 where the version answers alone.
    fetched
        Bytes of files that each device has fetched; what it still has from an earlier version it does not fetch.
    """

    def __init__(self, rule: Rule, sessions: Sessions) -> None:
        self._rule = rule
        self._sessions = sessions
        self._current: Version | None = None
        self._mixture: tuple[Frame, Adapter] | None = None
        self._session: MixtureSession | None = None
        self._feeds: Feeds | None = None
        self._learner: Learner | None = None
        self._archive: tuple[ArchivedFile, ...] = ()
        self.fetched = 0

    @property
    def version(self) -> int:
        """Newest version installed."""
        return self._current.event.version if self._current else 0

    @property
    def adapter(self) -> int:
        """Number of the adapter applied."""
        return self._mixture[1].number if self._mixture else 0

    def install(self, version: Version) -> None:
        """Take a version; in a mixture it counts at once."""
        file = ArchivedFile(version.event.version, version.event.file.digest, version.event.file.size)
        self.fetched += 0 if file.digest in (held.digest for held in self._archive) else file.size
        self._archive = kept_files(self._archive, file)
        self._current = version
        if self._mixture is not None:
            self._apply(*self._mixture)

    def apply(self, frame: Frame, adapter: Adapter, learner: Learner) -> None:
        """Take an adapter."""
        self._mixture, self._learner = (frame, adapter), learner
        self._apply(frame, adapter)

    def answer(self, row: NDArray[np.float32]) -> tuple[str, NDArray[np.float32] | None, str]:
        """Class or number of a row [1, F]; where a mixture answers, what each expert says, [K, C]; and what the version alone would answer."""
        assert self._current is not None
        if self._session is None or self._feeds is None:
            answer = self._current.model.answers(row)[0]
            return answer, None, answer
        return self._session.answer_one(row, self._feeds, self._current.event.version)

    @property
    def frame(self) -> Frame | None:
        """Members of the answering mixture."""
        return self._session.frame if self._session else None

    def _apply(self, frame: Frame, adapter: Adapter) -> None:
        assert self._current is not None
        assert self._learner is not None
        if self._current.event.version > frame.members[-1].version:
            frame, adapter = with_member(frame, adapter, member(self._current), frame.number, self._rule)
        self._session = self._sessions.of(frame)
        self._feeds = self._session.feeds(adapter, self._learner.memory.window(adapter.memory_end, self._rule.horizon))

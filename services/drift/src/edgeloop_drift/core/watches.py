"""A detector with what a person wants to know at its alarm: the mean before and after."""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import Any, Self

from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.snapshots import dump, load

RECENT_ERRORS = 1 / 50  # share of the newest answer in the recent error rate
RECENT_BLOCKS = 1 / 5  # share of the newest block in the recent mean of a feature
CLIP = 4.0  # one strange block is no change: it counts for at most so many standard deviations


@dataclass(frozen=True, slots=True)
class Change:
    """A detector's alarm: the watched mean before it and after."""

    before: float
    after: float

    @property
    def rising(self) -> bool:
        """Whether the mean went up."""
        return self.after > self.before


@dataclass(slots=True)
class ErrorWatch:
    """Watches the errors of a stream or of one version.

    ADWIN knows the mean of its window before and after it dropped the older part; of the others the mean since the last
    alarm and a recent mean are kept here.
    """

    spec: DetectorSpec
    detector: Any = None
    count: int = 0
    mean: float = 0.0
    recent: float = 0.0

    def __post_init__(self) -> None:
        if self.detector is None:
            self.detector = self.spec.make()

    def update(self, error: int) -> Change | None:
        """Take the next answer: 1 for wrong, 0 for right."""
        adwin = self.spec.name == "ADWIN"
        before = self.detector.estimation if adwin else 0.0
        self.detector.update(error)
        self.count += 1
        self.mean += (error - self.mean) / self.count
        self.recent = self.mean if self.count * RECENT_ERRORS < 1 else self.recent + RECENT_ERRORS * (error - self.recent)
        if not self.detector.drift_detected:
            return None
        change = Change(before, self.detector.estimation) if adwin else Change(self.mean, self.recent)
        self.count, self.mean, self.recent = 0, 0.0, 0.0
        return change

    def dump(self) -> bytes:
        """Snapshot for :meth:`load`."""
        return struct.pack("<qdd", self.count, self.mean, self.recent) + dump(self.detector, self.spec)

    @classmethod
    def load(cls, data: bytes, spec: DetectorSpec) -> Self:
        """The watch of a snapshot; a new one when the snapshot is of another detector."""
        detector = load(data[24:], spec)
        return cls(spec) if detector is None else cls(spec, detector, *struct.unpack_from("<qdd", data))


@dataclass(slots=True)
class InputWatch:
    """Watches the block means of one feature, in standard deviations of the block means until then (Welford 1962)."""

    spec: DetectorSpec
    detector: Any = None
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    recent: float = field(default=0.0)

    def __post_init__(self) -> None:
        if self.detector is None:
            self.detector = self.spec.make()

    def update(self, value: float, learning: int) -> Change | None:
        """Take the mean of the next block.

        Parameters
        ----------
        value
            The mean.
        learning
            Blocks from which the scale is learned before anything is watched.
        """
        change = None
        if self.count >= learning:
            change = self._watch(value)
        if change is None:
            self.count += 1
            step = value - self.mean
            self.mean += step / self.count
            self.squares += step * (value - self.mean)
            self.recent = value if self.count == 1 else self.recent + RECENT_BLOCKS * (value - self.recent)
        return change

    def _watch(self, value: float) -> Change | None:
        scale = math.sqrt(self.squares / (self.count - 1))
        away = value - self.mean
        # A feature that never moved has no scale; its first move counts as a large one.
        score = max(-CLIP, min(CLIP, away / scale)) if scale > 0 else math.copysign(CLIP, away) if away else 0.0
        self.detector.update(score)
        if not self.detector.drift_detected:
            return None
        after = self.recent + RECENT_BLOCKS * (value - self.recent)
        change = Change(self.mean, after)
        # What it was used to is over: scale and detector start anew.
        self.detector, self.count, self.mean, self.squares, self.recent = self.spec.make(), 0, 0.0, 0.0, 0.0
        return change

    def dump(self) -> bytes:
        """Snapshot for :meth:`load`."""
        return struct.pack("<qddd", self.count, self.mean, self.squares, self.recent) + dump(self.detector, self.spec)

    @classmethod
    def load(cls, data: bytes, spec: DetectorSpec) -> Self:
        """The watch of a snapshot; a new one when the snapshot is of another detector."""
        detector = load(data[32:], spec)
        return cls(spec) if detector is None else cls(spec, detector, *struct.unpack_from("<qddd", data))

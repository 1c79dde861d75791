"""Detectors that report the mean before and after a change."""

from __future__ import annotations

import math
import struct
from dataclasses import astuple, dataclass, field
from typing import Any, Self

import numpy as np

from edgeloop_drift.core import levels
from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.levels import Change, Run
from edgeloop_drift.core.snapshots import SnapshotError, dump, load

RECENT_ERRORS = 1 / 50  # share of the newest answer in the recent error rate
CLIP = 4.0  # standard deviations; one strange block is no change
KEPT_ERRORS = 4096  # newest answers, from which both levels are estimated
_ERRORS, _BLOCKS = struct.Struct("<4sqddH"), struct.Struct("<cqddHffHff")
# A snapshot of another layout begins otherwise; its watch starts without history.
_OF_ERRORS, _OF_BLOCKS = b"EW2\n", b"2"


@dataclass(slots=True)
class ErrorWatch:
    """Watches the errors of a stream, of one version, or of versions without their adapter.

    ADWIN gives the direction of a change. For other detectors, the mean since the last alarm and a recent mean give it. Both levels are
    estimated from the newest answers, see :mod:`edgeloop_drift.core.levels`.
    """

    spec: DetectorSpec
    detector: Any = None
    count: int = 0
    mean: float = 0.0
    recent: float = 0.0
    errors: bytearray = field(default_factory=bytearray)

    def __post_init__(self) -> None:
        if self.detector is None:
            self.detector = self.spec.make()

    def update(self, error: int) -> Change | None:
        """Read the next answer: 1 for wrong, 0 for right."""
        adwin = self.spec.name == "ADWIN"
        before = self.detector.estimation if adwin else 0.0
        self.detector.update(error)
        self.count += 1
        self.mean += (error - self.mean) / self.count
        self.recent = self.mean if self.count * RECENT_ERRORS < 1 else self.recent + RECENT_ERRORS * (error - self.recent)
        self.errors.append(error)
        if len(self.errors) >= 2 * KEPT_ERRORS:
            del self.errors[:-KEPT_ERRORS]
        if not self.detector.drift_detected:
            return None
        estimate = Change(before, self.detector.estimation) if adwin else Change(self.mean, self.recent)
        rising = None if estimate.before == estimate.after else estimate.rising
        found = levels.of_errors(self.errors[-KEPT_ERRORS:], rising=rising)
        # The next change is measured against the answers since this one.
        self.errors = self.errors[-found.since :] if found else bytearray()
        self.count, self.mean, self.recent = 0, 0.0, 0.0
        return found or estimate

    def dump(self) -> bytes:
        """Snapshot for :meth:`load`."""
        kept = np.frombuffer(bytes(self.errors[-KEPT_ERRORS:]), np.uint8)
        head = _ERRORS.pack(_OF_ERRORS, self.count, self.mean, self.recent, len(kept))
        return head + np.packbits(kept).tobytes() + dump(self.detector, self.spec)

    @classmethod
    def load(cls, data: bytes, spec: DetectorSpec) -> Self:
        """The watch of a snapshot; a new one when the snapshot is of another detector or layout."""
        if not data.startswith(_OF_ERRORS):
            return cls(spec)
        _, count, mean, recent, kept = _unpacked(_ERRORS, data)
        end = _ERRORS.size + -(-kept // 8)
        if kept > KEPT_ERRORS or end > len(data):
            raise SnapshotError(f"{kept} kept answers in {len(data)} bytes")
        detector = load(data[end:], spec)
        if detector is None:
            return cls(spec)
        errors = np.unpackbits(np.frombuffer(data[_ERRORS.size : end], np.uint8), count=kept)
        return cls(spec, detector, count, mean, recent, bytearray(errors.tobytes()))


@dataclass(slots=True)
class InputWatch:
    """Watches the block means of one feature, in standard deviations of the block means until then (Welford 1962)."""

    spec: DetectorSpec
    detector: Any = None
    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    risen: Run = field(default_factory=Run)
    fallen: Run = field(default_factory=Run)

    def __post_init__(self) -> None:
        if self.detector is None:
            self.detector = self.spec.make()

    def update(self, value: float, learning: int) -> Change | None:
        """Read the mean of the next block.

        Parameters
        ----------
        value
            The mean.
        learning
            Blocks from which the scale is learned first.
        """
        change = None
        if self.count >= learning:
            change = self._watch(value)
        if change is None:
            self.count += 1
            step = value - self.mean
            self.mean += step / self.count
            self.squares += step * (value - self.mean)
        return change

    def _watch(self, value: float) -> Change | None:
        scale = math.sqrt(self.squares / (self.count - 1))
        away = value - self.mean
        # A constant feature has no scale, so its first move counts as a large one.
        score = max(-CLIP, min(CLIP, away / scale)) if scale > 0 else math.copysign(CLIP, away) if away else 0.0
        self.risen, self.fallen = self.risen.add(value, score), self.fallen.add(value, -score)
        self.detector.update(score)
        if not self.detector.drift_detected:
            return None
        change = self._change(value)
        # Scale and detector start without history.
        self.detector, self.count, self.mean, self.squares, self.risen, self.fallen = self.spec.make(), 0, 0.0, 0.0, Run(), Run()
        return change

    def _change(self, value: float) -> Change:
        since = max(self.risen, self.fallen, key=lambda run: run.excess)
        if not 0 < since.count <= self.count:
            return Change(self.mean, value, 1)
        earlier = self.mean * self.count + value - since.total
        return Change(earlier / (self.count + 1 - since.count), since.total / since.count, since.count)

    def dump(self) -> bytes:
        """Snapshot for :meth:`load`."""
        head = _BLOCKS.pack(_OF_BLOCKS, self.count, self.mean, self.squares, *astuple(self.risen), *astuple(self.fallen))
        return head + dump(self.detector, self.spec)

    @classmethod
    def load(cls, data: bytes, spec: DetectorSpec) -> Self:
        """The watch of a snapshot; a new one when the snapshot is of another detector or layout."""
        if not data.startswith(_OF_BLOCKS):
            return cls(spec)
        _, count, mean, squares, *runs = _unpacked(_BLOCKS, data)
        detector = load(data[_BLOCKS.size :], spec)
        return cls(spec) if detector is None else cls(spec, detector, count, mean, squares, Run(*runs[:3]), Run(*runs[3:]))


def _unpacked(head: struct.Struct, data: bytes) -> tuple[Any, ...]:
    """The head of a snapshot."""
    if len(data) < head.size:
        raise SnapshotError(f"expected {head.size} bytes or more, given {len(data)}")
    return head.unpack_from(data)

"""Level two: pooled detectors, which fold the partials of a stream's devices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from edgeloop_contracts import DetectorState, DriftPartial, Position
from edgeloop_contracts.pooled_order import PooledOrder
from edgeloop_contracts.scopes import ALONE, STREAM, VERSION

from edgeloop_drift.core.bits import UNANSWERED
from edgeloop_drift.core.detectors import DetectorSpec
from edgeloop_drift.core.levels import Change
from edgeloop_drift.core.watches import ErrorWatch, InputWatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Detectors and scopes of a stream.

    Attributes
    ----------
    errors
        Detector of error rates.
    scopes
        ``stream``: one detector over all answers of a stream, of any version. It outlives versions, so it detects a version that
        is bad from its first row. ``alone``: the same over the answers of versions without their adapter. An adapter learns from
        each label, and hides a change of the distribution for a while. ``version``: one detector over the answers of the newest
        version; a new version starts a new one.
    inputs
        Detector of inputs, for one feature; see :meth:`DetectorSpec.shared_by`.
    learning
        Blocks from which a feature's scale is learned before it is watched.
    windows
        Whether answers are also counted for the rollout. Detection is the same either way.
    """

    errors: DetectorSpec = field(default_factory=DetectorSpec)
    scopes: tuple[str, ...] = (STREAM, ALONE)
    inputs: DetectorSpec = field(default_factory=lambda: DetectorSpec("PageHinkley", {"delta": 0.5, "threshold": 15.0, "min_instances": 1}))
    learning: int = 20
    windows: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        if not self.scopes or set(self.scopes) - {STREAM, VERSION, ALONE}:
            raise ValueError(
                f"scopes: expected some of {STREAM}, {ALONE} and {VERSION}, given {', '.join(map(str, self.scopes)) or 'none'}"
            )


@dataclass(frozen=True, slots=True)
class ErrorAlarm:
    """An error detector's alarm.

    Attributes
    ----------
    detector
        Its name, with its scope in brackets; that of a version has none.
    scope
        Its scope.
    version
        Version that answered the row at which it alarmed.
    row
        Row number of that row.
    positions
        Positions in ``examples`` right after it.
    """

    detector: str
    scope: str
    version: int
    row: int
    positions: tuple[Position, ...]
    change: Change


class ErrorPool:
    """The error detectors of one stream.

    Each row counts once its partial is folded, but only answered rows feed a detector. The detector of a version reads rows of
    the newest version seen so far: the first row of a newer version starts a new detector, and later rows of older versions are
    left out.
    """

    def __init__(self, rules: Rules, state: DetectorState | None = None) -> None:
        self.rules = rules
        self._watches = {scope: ErrorWatch(rules.errors) for scope in rules.scopes}
        self.order = PooledOrder()
        self.version = 0
        if state:
            self.order = PooledOrder(state.rows, state.positions)
            self.version = state.model_version
            self._watches |= {s: ErrorWatch.load(data, rules.errors) for s, data in state.detectors.items() if s in rules.scopes}

    def fold(self, partial: DriftPartial) -> list[ErrorAlarm]:
        """Fold a partial of errors; rows counted before are skipped."""
        alarms: list[ErrorAlarm] = []
        version = partial.model_version
        skipped = self.order.skipped(partial)
        if skipped < partial.count and version > self.version:
            self.version = version
            if VERSION in self._watches:
                self._watches[VERSION] = ErrorWatch(self.rules.errors)
        for i in range(skipped, partial.count):
            error = partial.errors[i]
            if error == UNANSWERED:
                continue
            alone = partial.errors_alone[i] if partial.errors_alone else error
            changes = self._watched(version, error, alone)
            if changes:
                order = self.order.after(partial, i + 1)
                alarms += [ErrorAlarm(self._name(s), s, version, order.rows, order.positions, change) for s, change in changes.items()]
        self.order = self.order.after(partial)
        return alarms

    def _watched(self, version: int, error: int, alone: int) -> dict[str, Change]:
        """Changes detected at one row, by scope."""
        changes: dict[str, Change] = {}
        for scope, watch in self._watches.items():
            if scope == VERSION and version < self.version:
                continue
            if change := watch.update(alone if scope == ALONE else error):
                changes[scope] = change
        # Where no adapter answers, both detectors read the same: one signal is enough.
        if len(changes) > 1 and ALONE in changes and STREAM in changes and changes[ALONE].rising == changes[STREAM].rising:
            del changes[ALONE]
        return changes

    def snapshot(self, tenant: str, stream: str) -> DetectorState:
        """State from which :class:`ErrorPool` continues."""
        return DetectorState(
            tenant=tenant,
            stream=stream,
            rows=self.order.rows,
            model_version=self.version,
            positions=self.order.positions,
            detectors={scope: watch.dump() for scope, watch in self._watches.items()},
        )

    def _name(self, scope: str) -> str:
        name = self.rules.errors.name
        return name if scope == VERSION else f"{name}({scope})"


@dataclass(frozen=True, slots=True)
class InputAlarm:
    """An alarm of a feature's detector.

    Attributes
    ----------
    feature
        Number of the feature, from 0.
    row
        Observed rows of the stream counted.
    """

    feature: int
    row: int
    change: Change


class InputPool:
    """The input detectors of one stream: one for each feature, on the means of its devices' blocks."""

    def __init__(self, rules: Rules, state: DetectorState | None = None) -> None:
        self._rules = rules
        self._spec = rules.inputs
        self._watches: list[InputWatch] = []
        self._newest: dict[int, tuple[int, int]] = {}
        self.observed = 0
        if state:
            self.observed = state.observed
            self._newest = {p.partition: (p.offset, p.index) for p in state.positions}
            self._begin(len(state.detectors))
            self._watches = [InputWatch.load(state.detectors[str(i)], self._spec) for i in range(len(state.detectors))]

    def fold(self, partial: DriftPartial) -> list[InputAlarm]:
        """Fold a block; a feature that is missing in half of its rows or more is left out, and so is a repeated block."""
        place = (partial.offset, partial.first_index)
        if place <= self._newest.get(partial.partition, (-1, -1)):
            return []
        self._newest[partial.partition] = place
        self.observed += partial.count
        if len(partial.sums) != len(self._watches):  # another number of features: another stream definition
            self._begin(len(partial.sums))
        alarms: list[InputAlarm] = []
        for i, (total, present) in enumerate(zip(partial.sums, partial.present, strict=True)):
            if 2 * present > partial.count and (change := self._watches[i].update(total / present, self._rules.learning)):
                alarms.append(InputAlarm(i, self.observed, change))
        return alarms

    def snapshot(self, tenant: str, stream: str) -> DetectorState:
        """State from which :class:`InputPool` continues."""
        detectors: Mapping[str, bytes] = {str(i): watch.dump() for i, watch in enumerate(self._watches)}
        positions = tuple(Position(partition=p, offset=offset, index=first) for p, (offset, first) in sorted(self._newest.items()))
        return DetectorState(tenant=tenant, stream=stream, observed=self.observed, positions=positions, detectors=detectors)

    def _begin(self, features: int) -> None:
        self._spec = self._rules.inputs.shared_by(features)
        self._watches = [InputWatch(self._spec) for _ in range(features)]

"""Versions and reports in, assignments out.

A device is known from its first report on. A new version is assigned to every known device of its stream, and a device
that becomes known is assigned the current version; so each device has been told each version that is current in its
time, once. ``rollout.assignments`` is compacted, so a device that was off, or lost its disk, finds its assignment there
and needs no second one; and one that refuses a version is not told again.

Whatever a report says of a version, it is not believed. But each is an occasion to look whether the device's assignment
still stands: where somebody has put something else over it, it is written again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from edgeloop_contracts import (
    CandidateRefused,
    DeviceKey,
    DeviceReport,
    Event,
    ModelVersion,
    RolloutState,
    RolloutTarget,
    StreamKey,
    topics,
)
from edgeloop_contracts.plausibility import impossible_report
from edgeloop_contracts.texts import cut
from edgeloop_kafka import Received
from edgeloop_streaming import InvalidEventError, Send, State

from edgeloop_rollout.core.plan import assignment, target

KNOWN = RolloutState()


class LatestAssignments(Protocol):
    """What is needed of :class:`edgeloop_readers.latest_records.LatestRecords` on ``rollout.assignments``."""

    def refresh(self) -> None:
        """Take in everything that has been committed until now."""
        ...

    def holds(self, key: DeviceKey, event: Event) -> bool:
        """Whether this very event is the newest record of a key, or was written and has not been read yet."""
        ...

    def note_written(self, key: DeviceKey, event: Event) -> None:
        """Note an event that this process writes."""
        ...

    def forget_unread(self) -> None:
        """Forget the written events that have not been read."""
        ...


class RolloutTask:
    """The rollout's work; there is one partition, and so one order of versions and reports.

    Parameters
    ----------
    state
        Of the partition: targets under ``tenant/stream``, known devices under ``tenant/stream/device``.
    assignments
        What stands in ``rollout.assignments``.
    """

    def __init__(self, state: State, assignments: LatestAssignments) -> None:
        self._state = state
        self._assignments = assignments
        self._refreshed = False
        assignments.forget_unread()

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take a version or a report."""
        match received.event:
            case ModelVersion() as version:
                return list(self._retarget(version, received))
            case DeviceReport() as report:
                return list(self._register(report))
            case CandidateRefused():
                return ()
            case other:
                raise InvalidEventError("WRONG_TYPE", f"rollout does not handle {other.FULLNAME}")

    def flush(self) -> Iterable[Send]:
        """Send nothing; the next transaction reads the assignments again."""
        self._refreshed = False
        return ()

    def _retarget(self, version: ModelVersion, received: Received[Any]) -> Iterator[Send]:
        stream = StreamKey.of(version)
        aim = target(version, received.cause, (self._state.get(RolloutState, stream) or KNOWN).target)
        if aim is None:
            return
        self._state.put(stream, RolloutState(target=aim))
        for key, _ in self._state.items(RolloutState):
            if key.startswith(f"{stream}/"):
                yield self._assign(DeviceKey.parse(key), aim)

    def _register(self, report: DeviceReport) -> Iterator[Send]:
        if why := impossible_report(report):
            raise InvalidEventError("IMPOSSIBLE", cut(why))
        key = DeviceKey.of(report)
        known = self._state.get(RolloutState, key) is not None
        if not known:
            self._state.put(key, KNOWN)
        aim = (self._state.get(RolloutState, key.stream_key) or KNOWN).target
        if aim is not None and not (known and self._is_assigned(key, aim)):
            yield self._assign(key, aim)

    def _is_assigned(self, key: DeviceKey, aim: RolloutTarget) -> bool:
        """Whether a device's assignment is in the topic; one that is being written counts."""
        if not self._refreshed:
            self._assignments.refresh()
            self._refreshed = True
        return self._assignments.holds(key, assignment(key, aim))

    def _assign(self, key: DeviceKey, aim: RolloutTarget) -> Send:
        event = assignment(key, aim)
        self._assignments.note_written(key, event)
        return Send(topics.ROLLOUT_ASSIGNMENTS, key, event, aim.cause)

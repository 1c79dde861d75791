"""Versions and reports in, assignments out.

A device is known from its first report on. A new version is assigned to every known device of its stream, and a device
that becomes known is assigned the current version; so each device has been told each version that is current in its
time, once. ``rollout.assignments`` is compacted, so a device that was off, or lost its disk, finds its assignment there
and needs no second one; and one that refuses a version is not told again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from edgeloop_contracts import CandidateRefused, DeviceReport, ModelVersion, RolloutState, topics
from edgeloop_streaming import InvalidEvent, Received, Send, State

from edgeloop_rollout.core.plan import assignment, cause_of, target

KNOWN = RolloutState()


class RolloutTask:
    """The rollout's work; there is one partition, and so one order of versions and reports.

    Parameters
    ----------
    state
        Of the partition: targets under ``tenant/stream``, known devices under ``tenant/stream/device``.
    """

    def __init__(self, state: State) -> None:
        self._state = state

    def handle(self, received: Received[Any]) -> Iterable[Send]:
        """Take a version or a report."""
        match received.event:
            case ModelVersion() as version:
                return list(self._retarget(version, received))
            case DeviceReport() as report:
                return list(self._meet(report))
            case CandidateRefused():
                return ()
            case other:
                raise InvalidEvent("WRONG_TYPE", f"rollout does not handle {other.FULLNAME}")

    def flush(self) -> Iterable[Send]:
        """Nothing is held back."""
        return ()

    def _retarget(self, version: ModelVersion, received: Received[Any]) -> Iterator[Send]:
        stream = f"{version.tenant}/{version.stream}"
        aim = target(version, received.cause, self._state.get(RolloutState, stream) or RolloutState())
        if aim is None:
            return
        self._state.put(stream, aim)
        for key, _ in self._state.items(RolloutState):
            if key.startswith(f"{stream}/"):
                yield self._assign(key, aim)

    def _meet(self, report: DeviceReport) -> Iterator[Send]:
        names = (report.tenant, report.stream, report.device_id)
        if any(not name or "/" in name for name in names):
            raise InvalidEvent("INVALID_NAME", f"tenant, stream and device are names without a slash, given {names}")
        key = "/".join(names)
        if self._state.get(RolloutState, key) is not None:
            return
        self._state.put(key, KNOWN)
        aim = self._state.get(RolloutState, f"{report.tenant}/{report.stream}")
        if aim is not None:
            yield self._assign(key, aim)

    def _assign(self, key: str, aim: RolloutState) -> Send:
        return Send(topics.ROLLOUT_ASSIGNMENTS, key, assignment(key, aim), cause_of(aim))

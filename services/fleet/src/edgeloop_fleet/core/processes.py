"""Processes that speak in a device's name: restarts, twins and repeated heartbeats.

A process draws a random id at its start. A device that restarts shows a new id, once. A former id that is heard again belongs to
a process that still runs: two processes then use one name, as after a disk was copied.
"""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import HeardProcess, MemberProcesses, Vitals
from edgeloop_errors import InvalidEventError

MOST = 8
TWINS_MS = 600_000
"""Time without a sign of a second process after which a device has one again."""


def heard(before: MemberProcesses, vitals: Vitals, now: int) -> MemberProcesses:
    """Processes after a heartbeat.

    Raises
    ------
    InvalidEventError
        ``REPLAYED``: this process has sent a later heartbeat, or this very one.
    """
    known = {one.instance: one for one in before.processes}
    last = known.pop(vitals.instance, None)
    if last is not None and vitals.seq <= last.seq:
        raise InvalidEventError("REPLAYED", f"vitals.seq: expected above {last.seq} of process {vitals.instance}, given {vitals.seq}")
    again = last is not None and before.processes[-1] is not last
    own = HeardProcess(instance=vitals.instance, host=vitals.host, seq=vitals.seq, heard=max(now, before.heard))
    twins_at = own.heard if again else before.twins_at
    if twins_at and own.heard - twins_at > TWINS_MS:
        twins_at = 0
    return replace(before, heard=own.heard, processes=(*list(known.values())[-MOST + 1 :], own), twins_at=twins_at)


def twins(state: MemberProcesses) -> tuple[str, ...]:
    """Processes that use the name at the same time, as ``instance@host``, sorted; none for one process."""
    if not state.twins_at:
        return ()
    return tuple(sorted(f"{one.instance}@{one.host}" for one in state.processes if state.heard - one.heard <= TWINS_MS))

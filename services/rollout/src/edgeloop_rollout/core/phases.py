"""Phases of a rollout: the devices of each, by hash and stratified over groups.

A device's place in its group is a hash of the rollout and of its name, so it is the same on every replay and another one for the next
version. Each group gives its share of a phase; what rounding leaves over goes to the largest remainders (Hamilton's method). A phase keeps
all devices of the phase before it, also where rounding alone would give a group one device fewer.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

_TINY = 1e-9  # 0.07 * 100 is 7.000000000000001


@dataclass(frozen=True, slots=True)
class Phase:
    """One step of a rollout.

    Attributes
    ----------
    share
        Share of devices that get the new version, above 0 and at most 1.
    groups
        Groups that the share is of; the others keep what they have. None named: all groups.
    least_rows
        Rows that the new version has to answer in this phase, at least.
    least_devices
        Devices that have to report it as installed, at least; all devices of the phase that are not lost, if these are fewer.
    approval
        Whether a person has to approve the *next* phase.
    """

    share: float
    groups: tuple[str, ...] = ()
    least_rows: int = 0
    least_devices: int = 1
    approval: bool = False


class Fault(StrEnum):
    """Reason why a plan is refused."""

    EMPTY = "empty"
    NOT_A_SHARE = "not_a_share"
    SHRINKS = "shrinks"
    UNKNOWN_GROUP = "unknown_group"
    NEGATIVE_MINIMUM = "negative_minimum"


@dataclass(frozen=True, slots=True)
class PlanFault:
    """A fault of a plan, and a sentence that tells it."""

    fault: Fault
    text: str


def faults(phases: Collection[Phase], groups: Collection[str]) -> tuple[PlanFault, ...]:
    """All faults of a plan; none if it can be carried out.

    Parameters
    ----------
    groups
        Groups of the fleet.
    """
    if not phases:
        return (PlanFault(Fault.EMPTY, "A plan needs at least one phase, none is given."),)
    return tuple(_faults(phases, groups))


def _faults(phases: Iterable[Phase], groups: Collection[str]) -> Iterator[PlanFault]:
    everywhere = 0.0
    reached: dict[str, float] = {}
    for number, phase in enumerate(phases, 1):
        if not 0 < phase.share <= 1:
            yield PlanFault(
                Fault.NOT_A_SHARE, f"Phase {number}: expected a share above 0 % and at most 100 %, given {100 * phase.share:g} %."
            )
        if min(phase.least_rows, phase.least_devices) < 0:
            given = f"{phase.least_rows} rows and {phase.least_devices} devices"
            yield PlanFault(Fault.NEGATIVE_MINIMUM, f"Phase {number}: expected least rows and devices of 0 or more, given {given}.")
        for group in phase.groups:
            if group not in groups:
                known = ", ".join(sorted(groups)) or "none"
                yield PlanFault(Fault.UNKNOWN_GROUP, f"Phase {number}: the fleet has no group {group}; its groups are: {known}.")
        for group in phase.groups or (None,):
            before = everywhere if group is None else reached.get(group, everywhere)
            if phase.share < before:
                of = "the fleet" if group is None else f"group {group}"
                told = f"{100 * phase.share:g} % of {of} after {100 * before:g} %"
                yield PlanFault(Fault.SHRINKS, f"Phase {number}: a phase must not shrink, given {told}.")
        if phase.groups:
            reached |= dict.fromkeys(phase.groups, phase.share)
        else:
            everywhere = phase.share
            reached = {group: max(share, everywhere) for group, share in reached.items()}


def members(
    seed: str, phases: Iterable[Phase], devices: Mapping[str, str], kept: Collection[str] = (), strata: Mapping[str, str] | None = None
) -> frozenset[str]:
    """Devices of the last of some phases.

    Parameters
    ----------
    seed
        Name of the rollout: its stream and version.
    phases
        The phase that is wanted, and all before it.
    devices
        Group of each device that can be counted on.
    kept
        Devices that have the new version already; they stay.
    strata
        Stratum of a device within its group, see :mod:`edgeloop_rollout.core.strata`; each stratum gives its share, too.
    """
    key = blake2b(seed.encode(), digest_size=32).digest()
    order = _ordered(key, devices, strata or {})
    counts = {part: sum(device in kept for device in names) for part, names in order.items()}
    for phase in phases:
        sizes = {part: len(names) for part, names in order.items() if not phase.groups or part[0] in phase.groups}
        counts |= _allocated(key, phase.share, sizes, counts)
    found: set[str] = set()
    for part, names in order.items():
        stay = [device for device in names if device in kept]
        others = [device for device in names if device not in kept]
        found.update(stay, others[: max(0, counts[part] - len(stay))])
    return frozenset(found)


Part = tuple[str, str]
"""Group and stratum."""


def _ordered(key: bytes, devices: Mapping[str, str], strata: Mapping[str, str]) -> dict[Part, list[str]]:
    """Devices of each part in the order in which they get the version."""
    order: defaultdict[Part, list[str]] = defaultdict(list)
    for device in sorted(devices, key=lambda name: (_place(key, name), name)):
        order[devices[device], strata.get(device, "")].append(device)
    return dict(sorted(order.items()))


def _place(key: bytes, name: str) -> bytes:
    """Place of a device or part in a rollout, as a hash."""
    return blake2b(name.encode(), key=key, digest_size=8).digest()


def _allocated(key: bytes, share: float, sizes: Mapping[Part, int], least: Mapping[Part, int]) -> dict[Part, int]:
    """Devices of each part: those that it has already, else its share rounded down; the rest by the largest remainder, ties by hash."""
    quotas = {part: share * size for part, size in sizes.items()}
    found = {part: max(least[part], math.floor(quota + _TINY)) for part, quota in quotas.items()}
    total = max(1, math.floor(share * sum(sizes.values()) + 0.5)) if sizes else 0
    for part in sorted(sizes, key=lambda part: (round(found[part] - quotas[part], 9), _place(key, "/".join(part)))):
        if sum(found.values()) >= total:
            break
        found[part] += found[part] < sizes[part]
    return found

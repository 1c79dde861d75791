"""Devices whose labels and answers differ much oftener than those of others: wrong labels, a broken sensor, or another world."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median

from edgeloop_monitoring.core.subjects import Groups, Subject

NORMAL = 1.4826  # median absolute deviations in a standard deviation of a normal distribution
MEDIAN = math.pi / 2  # variance of a median, where that of the mean is 1
Device = tuple[str, str, str]
"""Tenant, stream, device."""
Counts = tuple[int, int]
"""Labelled rows, and those of them whose answer differed."""
LEAST_SHARE = 0.02  # a fleet that is hardly ever wrong is no sharper measure than this


@dataclass(frozen=True, slots=True)
class Suspicion:
    """When a device stands out.

    Attributes
    ----------
    rows
        Labelled rows below which a device is not judged.
    excess
        By how much its share of differing rows is above the median of the devices' shares, at least.
    deviations
        By how many standard deviations (those of so few rows, or those among the devices, whichever are larger), beyond what the
        largest of so many devices reaches by chance: the root of twice the logarithm of their number.
    devices
        Fewest judged devices of a group: of two nobody can say which one is right.
    """

    rows: int = 100
    excess: float = 0.1
    deviations: float = 3.0
    devices: int = 3


@dataclass(frozen=True, slots=True)
class Standout:
    """The judged devices of a group.

    Attributes
    ----------
    judged
        How many.
    devices
        Those that stand out, sorted.
    """

    judged: int
    devices: tuple[str, ...]


class Disagreement:
    """Labelled and differing rows by device, in buckets of record time.

    Parameters
    ----------
    groups
        How devices are sorted; a device is compared with its own group.
    suspicion
        When it stands out.
    bucket_ms, span_ms
        Length of a bucket, and of what is looked at.
    """

    def __init__(self, groups: Groups, suspicion: Suspicion, bucket_ms: int, span_ms: int) -> None:
        self._groups = groups
        self._suspicion = suspicion
        self._bucket_ms = bucket_ms
        self._keep = max(1, span_ms // bucket_ms)
        self._oldest = 0
        self._buckets: dict[int, dict[Device, Counts]] = {}
        self._totals: dict[Device, Counts] = {}

    def judged(self, tenant: str, stream: str, device_id: str, labelled: int, differing: int, at: int) -> None:
        """Count rows of a device at a record time; what is too old is not counted."""
        bucket = at // self._bucket_ms
        if bucket < self._oldest:
            return
        device = (tenant, stream, device_id)
        _add(self._buckets.setdefault(bucket, {}), device, labelled, differing)
        _add(self._totals, device, labelled, differing)

    def groups(self, now: int) -> dict[Subject, Standout]:
        """Each group of which enough devices can be judged; what is older than the span before ``now`` is forgotten."""
        self._oldest = max(self._oldest, now // self._bucket_ms - self._keep)
        for bucket in [bucket for bucket in self._buckets if bucket < self._oldest]:
            for device, (labelled, differing) in self._buckets.pop(bucket).items():
                _add(self._totals, device, -labelled, -differing)
                if not self._totals[device][0]:
                    del self._totals[device]
        sorted_: dict[Subject, dict[str, Counts]] = {}
        for (tenant, stream, device), counts in self._totals.items():
            sorted_.setdefault(Subject(tenant, stream, self._groups.of(device)), {})[device] = counts
        found = {subject: judge(counts, self._suspicion) for subject, counts in sorted_.items()}
        return {subject: standout for subject, standout in found.items() if standout is not None}


def _add(counts: dict[Device, Counts], device: Device, labelled: int, differing: int) -> None:
    before = counts.get(device, (0, 0))
    counts[device] = (before[0] + labelled, before[1] + differing)


def judge(counts: Mapping[str, Counts], suspicion: Suspicion) -> Standout | None:
    """Outliers among devices; ``None`` if too few can be judged.

    The median and the median absolute deviation do not move as long as fewer than half of the devices are bad.

    Parameters
    ----------
    counts
        By device.

    Examples
    --------
    >>> judge({"a": (200, 30), "b": (200, 34), "c": (200, 28), "d": (200, 80)}, Suspicion())
    Standout(judged=4, devices=('d',))
    >>> judge({"a": (200, 30), "d": (200, 80)}, Suspicion()) is None
    True
    """
    known = {device: (rows, differing / rows) for device, (rows, differing) in counts.items() if rows >= suspicion.rows}
    if len(known) < suspicion.devices:
        return None
    usual = median(share for _, share in known.values())
    spread = NORMAL * median(abs(share - usual) for _, share in known.values())
    base = min(max(usual, LEAST_SHARE), 1 - LEAST_SHARE)
    deviations = suspicion.deviations + math.sqrt(2 * math.log(len(known)))
    rows_of_all = sum(rows for rows, _ in known.values())
    outside: list[str] = []
    for device, (rows, share) in sorted(known.items()):
        deviation = max(spread, math.sqrt(base * (1 - base) * (1 / rows + MEDIAN / rows_of_all)))
        if share - usual >= max(suspicion.excess, deviations * deviation):
            outside.append(device)
    return Standout(len(known), tuple(outside))

"""Policy of a stream's rollouts, in the flat form of a policy file."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace

from edgeloop_contracts import Policy

from edgeloop_rollout.core.judgement import Criteria, Metric
from edgeloop_rollout.core.phases import Phase, faults
from edgeloop_rollout.core.rollout_states import RolloutPolicy

ERRORS = "errors"
"""Name of the one metric that is judged today: the share of wrong answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A policy of rollouts. By default each version goes to every device at once.

    Attributes
    ----------
    phases
        Shares of devices that get a new version, one for each phase, rising.
    groups
        Groups that all phases but the last are of; none for all devices.
    judged_groups
        Groups that are also judged by themselves. All other devices are compared as one.
    approval
        Phases that begin only once a person has approved them, counted from 1.
    least_rows
        Labelled rows that the new version has to answer in each phase.
    least_devices
        Devices that have to report the new version in each phase; all of the phase that are not lost, if these are fewer.
    evidence
        Whether wrong answers are compared. Otherwise rows, devices and approvals suffice.
    tolerated
        Rise of the error rate that does not turn a version back.
    margin
        Rise of the error rate that has to be ruled out before the next phase.
    alpha
        Largest probability that a version which does no harm is turned back.
    alpha_advance
        Largest probability that a version which does harm of ``margin`` or more advances.
    window
        Labelled rows that are compared at once.
    lost_after_s
        Seconds of silence after which a device is not waited for.
    """

    phases: tuple[float, ...] = (1.0,)
    groups: tuple[str, ...] = ()
    judged_groups: tuple[str, ...] = ()
    approval: tuple[int, ...] = ()
    least_rows: int = 100
    least_devices: int = 1
    evidence: bool = True
    tolerated: float = 0.0
    margin: float = 0.05
    alpha: float = 0.01
    alpha_advance: float = 0.01
    window: int = 200
    lost_after_s: float = 300.0

    def __post_init__(self) -> None:
        if found := faults(self._phases(), self.named_groups):
            raise ValueError(" ".join(fault.text for fault in found))
        if unknown := [number for number in self.approval if not 2 <= number <= len(self.phases)]:
            last = len(self.phases)
            raise ValueError(f"approval: expected some of the phases 2 to {last}, given {unknown[0]}; the first one needs no approval")
        if self.window < 2:
            raise ValueError(f"window: expected 2 rows or more, given {self.window}")
        if not 0 < self.lost_after_s < math.inf:
            raise ValueError(f"lost_after_s: expected a number above 0, given {self.lost_after_s}")
        self._criteria()

    @property
    def named_groups(self) -> frozenset[str]:
        """Groups that have to be there."""
        return frozenset(self.groups + self.judged_groups)

    @property
    def at_once(self) -> bool:
        """Whether each version goes to every device at once."""
        return self.phases == (1.0,)

    def check_groups(self, known: Collection[str]) -> None:
        """Check that the fleet has the groups.

        Raises
        ------
        ValueError
            It has not.
        """
        if found := faults(self._phases(), known):
            raise ValueError(" ".join(fault.text for fault in found))
        if unknown := sorted(set(self.judged_groups) - set(known)):
            told = ", ".join(sorted(known)) or "none"
            raise ValueError(f"judged_groups: the fleet has no group {unknown[0]}; its groups are: {told}.")

    def made(self) -> RolloutPolicy:
        """The policy in the form that the machine decides by."""
        if self.at_once:
            return RolloutPolicy((Phase(1.0, least_devices=0),), Criteria(()), lost_after=math.inf)
        return RolloutPolicy(self._phases(), self._criteria(), self.lost_after_s)

    def _phases(self) -> tuple[Phase, ...]:
        last = len(self.phases)
        return tuple(
            Phase(share, () if number == last else self.groups, self.least_rows, self.least_devices, number + 1 in self.approval)
            for number, share in enumerate(self.phases, 1)
        )

    def _criteria(self) -> Criteria:
        metrics = (Metric(ERRORS, margin=self.margin, tolerated=self.tolerated),)
        return Criteria(metrics if self.evidence else (), self.judged_groups, self.alpha, self.alpha_advance)


def apply_policy(settings: Plan, policy: Policy) -> Plan:
    """The settings, overridden by the event of a policy.

    Raises
    ------
    ValueError
        Phases shrink or exceed 100 %, or another value is out of range.
    """
    return replace(settings, **{name: value for name, value in asdict(policy.rollout).items() if value is not None})


def concerns_rollouts(policy: Policy) -> bool:
    """Whether a policy names anything of rollouts."""
    return any(value is not None for value in asdict(policy.rollout).values())

"""Stages of a rollout, the happenings that move it on, and the effects that it asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from edgeloop_rollout.core.judgement import Comparisons, Counted, Criteria, Finding
from edgeloop_rollout.core.phases import Phase


@dataclass(frozen=True, slots=True)
class RolloutPolicy:
    """Rule of a stream's rollouts; it may change while one is under way.

    Attributes
    ----------
    phases
        At least one; see :func:`edgeloop_rollout.core.phases.faults`.
    criteria
        Rule of the judgement.
    lost_after
        Seconds of silence after which a device counts as lost.
    """

    phases: tuple[Phase, ...]
    criteria: Criteria
    lost_after: float = 300.0

    @property
    def whole(self) -> bool:
        """Whether the last phase has every device."""
        return self.phases[-1].share >= 1 and not self.phases[-1].groups

    @property
    def at_once(self) -> bool:
        """Whether each version goes to every device at once, and nothing is judged."""
        return len(self.phases) == 1 and self.whole and not self.criteria.metrics


@dataclass(frozen=True, slots=True)
class Device:
    """A device as the fleet knows it.

    Attributes
    ----------
    group
        Its group.
    heard
        Event time of its last report, in seconds.
    assigned
        Version that it was told to run; ``None`` before the first.
    installed
        Version that it reports to run; ``None`` before the first.
    pinned
        Whether a person has fixed its version: no rollout touches it.
    stratum
        Devices of a group that err alike, see :mod:`edgeloop_rollout.core.strata`; each gives its share of a phase.
    """

    group: str
    heard: float
    assigned: int | None = None
    installed: int | None = None
    pinned: bool = False
    stratum: str = ""


Fleet = Mapping[str, Device]


@dataclass(frozen=True, slots=True)
class Running:
    """The version is judged on the devices of a phase, counted from 0."""

    phase: int


@dataclass(frozen=True, slots=True)
class AwaitingApproval:
    """Evidence allows the phase ``phase``; a person has to approve it."""

    phase: int
    evidence: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Paused:
    """A person has stopped the clock: no further device gets the version. It is still judged, and may turn back."""

    held: Running | AwaitingApproval
    who: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class TurnedBack:
    """The version is withdrawn, and is not offered again unless a person says so.

    Attributes
    ----------
    evidence
        The tests that showed harm; empty if a person decided.
    who, why
        The person and the reason, if it was one.
    """

    evidence: tuple[Finding, ...] = ()
    who: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """All phases are passed."""


Stage = Running | AwaitingApproval | Paused | TurnedBack | Done


@dataclass(frozen=True, slots=True)
class Approval:
    """A person's leave to enter a phase, counted from 0, while event time is at most ``until``."""

    phase: int
    who: str
    until: float


@dataclass(frozen=True, slots=True)
class Rollout:
    """State of the rollout of one version. It holds no devices, so its size does not grow with the fleet.

    Attributes
    ----------
    stream, version
        The version that is rolled out.
    previous
        The version that devices ran before, and go back to; ``None`` if this is the first.
    stage
        Where the rollout stands.
    now
        Largest event time so far, in seconds.
    comparisons
        Evidence so far, over all phases.
    phase_rows
        Rows that the new version has answered in this phase.
    approval
        Given for a phase that is still to come.
    """

    stream: str
    version: int
    previous: int | None
    stage: Stage
    now: float
    comparisons: Comparisons = ()
    phase_rows: int = 0
    approval: Approval | None = None

    @property
    def seed(self) -> str:
        """Name of the rollout, from which the order of its devices follows."""
        return f"{self.stream}@{self.version}"


@dataclass(frozen=True, slots=True)
class EvidenceWindow:
    """Counts of a short time, by the version that really answered each row; ``new_rows`` were answered by the new one."""

    at: float
    new_rows: int
    counted: tuple[Counted, ...]


@dataclass(frozen=True, slots=True)
class DeviceReported:
    """A device has told its installed version; the fleet has it already."""

    at: float
    device: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Event time has come to ``at``."""

    at: float


class Order(StrEnum):
    """Order of a person."""

    APPROVE = "approve"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    """End a rollout that is under way; its devices go back."""
    ROLLBACK = "rollback"
    """Go back, also after the rollout is done."""
    OFFER_AGAIN = "offer_again"
    """Begin anew with a version that was turned back."""


@dataclass(frozen=True, slots=True)
class Command:
    """An order, with who gave it and why.

    Attributes
    ----------
    phase, until
        Of an approval: the phase that it is for, counted from 0, and the event time at which it expires.
    """

    at: float
    order: Order
    who: str
    why: str = ""
    phase: int | None = None
    until: float | None = None


Happening = EvidenceWindow | DeviceReported | Tick | Command


@dataclass(frozen=True, slots=True)
class Assign:
    """Tell devices to run a version."""

    version: int
    devices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SendBack:
    """Tell devices to run the version before, which they still hold; ``cause`` has the evidence."""

    version: int
    devices: tuple[str, ...]
    cause: TurnedBack


@dataclass(frozen=True, slots=True)
class RecordStage:
    """Record that a rollout has come to another stage."""

    stage: Stage
    at: float
    evidence: tuple[Finding, ...] = field(default=())


class Refusal(StrEnum):
    """Typed reason for which an order is refused."""

    UNKNOWN_ORDER = "UNKNOWN_ORDER"
    UNKNOWN_STREAM = "UNKNOWN_STREAM"
    UNKNOWN_DEVICE = "UNKNOWN_DEVICE"
    UNKNOWN_VERSION = "UNKNOWN_VERSION"
    OTHER_VERSION = "OTHER_VERSION"
    """The stream's rollout is of another version."""
    TURNED_BACK = "TURNED_BACK"
    """The version was turned back."""
    OTHER_STAGE = "OTHER_STAGE"
    """The stage of the rollout has no such order: nothing is paused, or nothing is under way."""
    NO_SUCH_PHASE = "NO_SUCH_PHASE"
    EXPIRED = "EXPIRED"
    NO_EARLIER_VERSION = "NO_EARLIER_VERSION"
    NOT_PINNED = "NOT_PINNED"


@dataclass(frozen=True, slots=True)
class RefuseCommand:
    """Tell a person that an order changes nothing, and why."""

    command: Command
    why: str
    reason: Refusal


Effect = Assign | SendBack | RecordStage | RefuseCommand
Decision = tuple[Rollout, tuple[Effect, ...]]

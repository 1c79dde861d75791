"""Phases of a trial, the happenings that move it on, and the effects that it asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from edgeloop_contracts import (
    AtGate,
    AwaitingRegistry,
    Cause,
    Challenger,
    DriftPartial,
    GateState,
    ModelCandidate,
    TrainingRequest,
    TrainingRun,
)

from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.gate import Outcome
from edgeloop_trainer.core.plans import Plan


@dataclass(frozen=True, slots=True)
class FitEnded:
    """The fit of a request has ended.

    Attributes
    ----------
    request_id
        Id of the request.
    result
        Its challenger, or the reason why there is none.
    rows, dataset_digest, classes
        Of the training data.
    definition_version
        Version of the stream definition.
    """

    request_id: str
    result: Fitted | Failed
    rows: int = 0
    dataset_digest: str = ""
    classes: tuple[str, ...] = ()
    definition_version: int = 0


@dataclass(frozen=True, slots=True)
class Idle:
    """The stream has no trial."""


@dataclass(frozen=True, slots=True)
class Fitting:
    """A request whose fit is under way. This phase is not stored: after a restart the request comes again.

    Attributes
    ----------
    request, cause
        The request, and its event as a cause.
    plan
        The recipe and the rule of the gate, as of the beginning of the fit.
    ended
        The result, once it is there.
    """

    request: TrainingRequest
    cause: Cause
    plan: Plan
    ended: FitEnded | None = None


Phase = Idle | Fitting | AtGate | AwaitingRegistry


@dataclass(frozen=True, slots=True)
class TrialState:
    """The trials of one stream, at most one in each phase: a request is fitted while the challenger of the one before it is at the gate.

    Attributes
    ----------
    stored
        Row counts, gate and candidate: the part that outlives the process.
    fitting
        The request whose fit is under way.
    closing
        Row at which the next request ends the gate; ``None`` while the gate runs to its own last row.
    """

    stored: GateState
    fitting: Fitting | None = None
    closing: int | None = None

    @property
    def phase(self) -> Phase:
        """Phase of the newest trial."""
        return self.fitting or self.stored.gate or self.stored.awaiting or Idle()

    def last_row(self, gate: AtGate) -> int:
        """Row at which the gate decides at the latest."""
        return gate.until if self.closing is None else min(gate.until, self.closing)

    def with_stored(self, **fields: Any) -> TrialState:
        """The state with other stored fields."""
        return replace(self, stored=replace(self.stored, **fields))


@dataclass(frozen=True, slots=True)
class Requested:
    """A training request has come; it comes again until it is taken."""

    request: TrainingRequest
    cause: Cause


@dataclass(frozen=True, slots=True)
class Counted:
    """A partial of labelled rows has come; it lies at ``offset`` of ``drift.partials``."""

    partial: DriftPartial
    offset: int


@dataclass(frozen=True, slots=True)
class BatchEnded:
    """The rows of a transaction have been counted."""


@dataclass(frozen=True, slots=True)
class Closing:
    """A newer request ends the gate at ``row``."""

    row: int


@dataclass(frozen=True, slots=True)
class Stored:
    """The file of a challenger has its place.

    Attributes
    ----------
    challenger
        The model and the location of its file.
    champion_version
        Newest version of the stream, ``None`` for none.
    """

    challenger: Challenger
    champion_version: int | None


@dataclass(frozen=True, slots=True)
class Answered:
    """The model registry has answered a candidate, or has taken too long; ``then`` is what waited for that."""

    request_id: str
    then: Happening | None = None


@dataclass(frozen=True, slots=True)
class ChampionRead:
    """The newest version of the stream is ``version``."""

    version: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Challenger and champion have answered rows.

    Attributes
    ----------
    champion_version
        Version that the challenger was compared with.
    first
        Number of the first row.
    outcomes
        Of that row and those that follow it.
    """

    champion_version: int | None
    first: int
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """Rows, a model file or the champion cannot be read any more."""

    reason: str


Happening = Requested | FitEnded | Stored | Counted | BatchEnded | Closing | Answered | ChampionRead | Compared | Lost


@dataclass(frozen=True, slots=True)
class AwaitRows:
    """Wait until the stream has ``rows`` labelled rows. Nothing has changed."""

    rows: int


@dataclass(frozen=True, slots=True)
class AskRegistry:
    """Find out whether the candidate of ``request_id`` has its answer: :class:`Answered`. If not, nothing has changed."""

    request_id: str
    then: Happening


@dataclass(frozen=True, slots=True)
class Fit:
    """Fit a challenger: :class:`FitEnded`."""

    fitting: Fitting


@dataclass(frozen=True, slots=True)
class Store:
    """Bring the file of a challenger to its place: :class:`Stored`."""

    fitting: Fitting
    ended: FitEnded
    fitted: Fitted


@dataclass(frozen=True, slots=True)
class ReadChampion:
    """Read the newest version: :class:`ChampionRead`, or :class:`Lost` if there is none.

    With ``fresh`` it must be as new as the model registry has it; otherwise no older than ``known``.
    """

    known: int | None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Compare:
    """Have challenger and champion answer the rows numbered ``first`` to ``last``, as far as they have come: :class:`Compared`."""

    gate: AtGate
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class PublishRun:
    """Publish a step of a training run."""

    run: TrainingRun
    cause: Cause


@dataclass(frozen=True, slots=True)
class Propose:
    """Offer a candidate to the model registry."""

    candidate: ModelCandidate
    cause: Cause


@dataclass(frozen=True, slots=True)
class Discard:
    """Delete the file of a rejected challenger, unless it is also the file of another."""

    challenger: Challenger
    cause: Cause


Effect = AwaitRows | AskRegistry | Fit | Store | ReadChampion | Compare | PublishRun | Propose | Discard

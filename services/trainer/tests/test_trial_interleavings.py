"""Any interleaving of requests, rows, answers and restarts ends in the verdicts of an oracle that sees one request after the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from edgeloop_contracts import Cause, Challenger, DriftPartial, GateKind, GateState, ModelCandidate, ModelFile, RunStatus, TrainingRequest
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.gate import Judgement, Outcome, Rule, Tally, Verdict, judge
from edgeloop_trainer.core.phases import (
    Answered,
    AskRegistry,
    AwaitRows,
    BatchEnded,
    ChampionRead,
    Compare,
    Compared,
    Counted,
    Discard,
    Effect,
    Fit,
    FitEnded,
    Fitting,
    Happening,
    Lost,
    Propose,
    PublishRun,
    ReadChampion,
    Requested,
    Store,
    Stored,
    TrialState,
)
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.trial import decide, rehearse, run
from hypothesis import given, settings
from hypothesis import strategies as st

RULE = Rule(4)
PLAN = Plan(Recipe(), RULE)
CLASSES = ("a", "b")


def right(model: str, row: int) -> bool:
    """Whether a model answers a row; better ones more often, each on rows of its own."""
    skill = sum(map(ord, model)) % 7
    return (row * 2_654_435_761 + sum(map(ord, model)) * 40_503) % 10 <= skill


def outcomes(challenger: str, champion: str, first: int, last: int) -> tuple[Outcome, ...]:
    return tuple((right(challenger, row), right(champion, row)) for row in range(first, last + 1))


@dataclass(frozen=True)
class Asked:
    """A request, and what its fit comes to."""

    row: int
    until: int
    fails: bool = False
    constant: bool = False

    def request(self, number: int) -> TrainingRequest:
        gate = GateKind.MAJORITY if self.constant else GateKind.CHAMPION
        return TrainingRequest(
            tenant="default", stream="pumps", request_id=f"c/{number}", campaign="c", row=self.row, gate_until=self.until, gate=gate
        )

    def result(self, number: int, versions: int) -> Fitted | Failed:
        """A model that depends on the versions it has to beat, too."""
        if self.fails:
            return Failed(f"no fit {number}")
        constant = self.constant or not versions
        return Fitted(b"", f"model {number} of {versions}", {}, {}, 0.0, Tally(wins=number % 3, losses=1, judged=5) if constant else None)


Verdicts = list[tuple[str, str, int, int, int]]


def oracle(asked: Sequence[Asked], rows: int) -> Verdicts:
    """Ends of runs: request, status, row, wins and champion; one request after the other, with all rows there."""
    versions: list[str] = []
    ends: Verdicts = []
    for number, one in enumerate(asked):
        result = one.result(number, len(versions))
        name, champion = f"c/{number}", len(versions) or None
        if isinstance(result, Failed):
            ends.append((name, "FAILED", one.row, 0, None))
            continue
        if result.tally is not None:
            promoted = not versions or result.tally.wins > result.tally.losses
            ends.append((name, "PROMOTED" if promoted else "REJECTED", one.row, result.tally.wins, champion))
            if promoted:
                versions.append(result.digest)
            continue
        until = min([one.until, *(later.row for later in asked[number + 1 : number + 2])])
        compared = outcomes(result.digest, versions[-1], one.row + 1, min(rows, until))
        judged = judge(RULE, Judgement(Tally(), one.row + 1), compared, until)
        if judged.verdict is not None:
            promoted = judged.verdict is Verdict.PROMOTE
            ends.append((name, "PROMOTED" if promoted else "REJECTED", judged.next_row - 1, judged.tally.wins, champion))
            if promoted:
                versions.append(result.digest)
    return ends


class NotYetError(Exception):
    """The record comes again."""


@dataclass
class Fleet:
    """The trainer of one stream, with a registry that answers when it is told to."""

    asked: Sequence[Asked]
    stored: GateState = field(default_factory=lambda: GateState(stream="pumps"))
    fitting: Fitting | None = None
    fitted: dict[str, FitEnded] = field(default_factory=dict)
    slow: bool = False
    known: list[str] = field(default_factory=list)  # versions as this process has read them
    versions: list[str] = field(default_factory=list)
    proposed: list[ModelCandidate] = field(default_factory=list)
    answered: set[str] = field(default_factory=set)
    ends: Verdicts = field(default_factory=list)

    def offer(self, happening: Happening) -> bool:
        """Handle a record in a transaction; whether it was taken."""
        told: list[Effect] = []
        try:
            after = run(PLAN, TrialState(self.stored, self.fitting), happening, lambda state, effect: self.perform(state, effect, told))
        except NotYetError:
            return False
        again = decide(PLAN, after, happening)
        if not isinstance(happening, BatchEnded):
            assert again == (after, []), "applied twice"
        self.stored, self.fitting = after.stored, after.fitting
        for effect in told:
            match effect:
                case PublishRun(run=step) if step.status is not RunStatus.FITTED:
                    self.ends.append((step.request_id, step.status.value, step.row, step.wins, step.champion_version))
                case Propose(candidate=candidate):
                    self.proposed.append(candidate)
        return True

    def answer(self) -> None:
        """The registry takes what it has been offered."""
        for candidate in self.proposed:
            assert candidate.champion_version == (len(self.versions) or None), "a stale candidate"
            self.versions.append(candidate.file.digest)
            self.answered.add(candidate.request_id)
        self.proposed.clear()

    def restart(self) -> None:
        self.fitting = None
        self.fitted.clear()
        self.known = []

    def perform(self, state: TrialState, effect: Effect, told: list[Effect]) -> Happening | None:
        match effect:
            case AwaitRows():
                raise NotYetError
            case AskRegistry(request_id=request_id, then=then):
                self.known = list(self.versions)
                if request_id not in self.answered:
                    raise NotYetError
                return Answered(request_id, then)
            case Fit(fitting=fitting):
                return self.fit(state, fitting)
            case Store(fitted=fitted):
                champion = len(self.known) or None
                return Stored(Challenger(file=ModelFile(digest=fitted.digest), classes=CLASSES), champion)
            case ReadChampion(known=known, fresh=fresh):
                if fresh or len(self.known) < (known or 1):
                    self.known = list(self.versions)
                return ChampionRead(len(self.known)) if self.known else Lost("no champion")
            case Compare(gate=gate, first=first, last=last):
                found = outcomes(gate.challenger.file.digest, self.known[-1], first, last)
                return Compared(len(self.known), first, found)
            case PublishRun() | Propose() | Discard():
                told.append(effect)
        return None

    def fit(self, state: TrialState, fitting: Fitting) -> FitEnded:
        name = fitting.request.request_id
        if name not in self.fitted:
            self.known = list(self.versions)
            closing = rehearse(PLAN, state, fitting.request.row, lambda state, effect: self.perform(state, effect, []))
            number = int(name.rpartition("/")[2])
            result = self.asked[number].result(number, len(self.known) + bool(closing and self.known))
            self.fitted[name] = FitEnded(name, result, classes=CLASSES)
            self.fitting = fitting
        if self.slow:
            raise NotYetError
        return self.fitted[name]


@st.composite
def requests(draw):
    """Requests whose rows rise; those that are judged beside a constant come first, as they do where no model has answered yet."""
    row, found, constant = 0, [], draw(st.integers(0, 2))
    for number in range(draw(st.integers(1, 5))):
        row += draw(st.integers(1, 40))
        found.append(Asked(row, row + draw(st.integers(1, 60)), draw(st.integers(0, 5)) == 0, number < constant))
    return found


STEPS = st.sampled_from(["request", "rows", "few rows", "batch", "answer", "restart", "slow", "repeat"])
DRAIN = ["quick", "rows", "request", "batch", "answer", "batch"]


@given(requests(), st.integers(0, 80), st.lists(STEPS, max_size=80))
@settings(max_examples=400, deadline=None)
def test_any_interleaving_ends_in_the_verdicts_of_one_request_after_the_other(asked, more, steps):
    last = asked[-1].row + more
    fleet = Fleet(asked)
    taken = offset = 0
    for step in [*steps, *(DRAIN * 100)]:
        rows = fleet.stored.rows
        # Where a gate could run past the next request's row, that request is taken before further rows come.
        walls = [asked[n].row for n in range(max(taken, 1), len(asked)) if asked[n - 1].until > asked[n].row]
        wall = walls[0] if walls else last
        match step:
            case "request" if taken < len(asked) and rows >= asked[taken].row:
                taken += fleet.offer(Requested(asked[taken].request(taken), Cause(id=f"c/{taken}")))
            case "rows" | "few rows" if wall > rows:
                count = min(20 if step == "rows" else 3, wall - rows)
                offset += fleet.offer(Counted(DriftPartial(tenant="default", device_id="", stream="pumps", count=count), offset))
            case "batch":
                fleet.offer(BatchEnded())
            case "answer":
                fleet.answer()
            case "restart":
                fleet.restart()
            case "slow" | "quick":
                fleet.slow = step == "slow"
            case "repeat" if taken and offset:
                before = list(fleet.ends)
                fleet.offer(Requested(asked[taken - 1].request(taken - 1), Cause()))
                fleet.offer(Counted(DriftPartial(tenant="default", device_id="", stream="pumps", count=7), offset - 1))
                assert fleet.ends == before
            case _:
                pass
    assert (taken, fleet.stored.rows) == (len(asked), last)
    assert fleet.ends == oracle(asked, last)


def test_rows_beyond_a_request_that_have_decided_the_gate_before_it_stay_decided():
    """The one limit: whoever sends a request late, for a row at which an earlier gate was still open, gets the verdict of later rows."""
    asked = [Asked(1, 2), Asked(10, 60), Asked(12, 70)]
    fleet = Fleet(asked)
    for number in (0, 1):
        count = asked[number].row - fleet.stored.rows
        assert fleet.offer(Counted(DriftPartial(tenant="default", device_id="", stream="pumps", count=count), number))
        assert fleet.offer(Requested(asked[number].request(number), Cause()))
        fleet.answer()
    assert fleet.offer(Counted(DriftPartial(tenant="default", device_id="", stream="pumps", count=50), 2))
    assert fleet.offer(BatchEnded())
    decided = fleet.ends[-1]
    assert decided[0] == "c/1"
    assert decided[2] > 12
    fleet.answer()
    assert fleet.offer(Requested(asked[2].request(2), Cause()))
    assert [end for end in fleet.ends if end[0] == "c/1"] == [decided]


def test_the_oracle_meets_each_kind_of_end():
    kinds = {end[1] for n in range(40) for end in oracle([Asked(5, 6), Asked(10 + n, 30 + n, n % 5 == 0), Asked(50 + n, 90 + n)], 200)}
    assert kinds == {"PROMOTED", "REJECTED", "FAILED"}
    assert replace(Asked(1, 2), fails=True).result(0, 0) == Failed("no fit 0")

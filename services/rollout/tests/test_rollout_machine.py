from collections.abc import Callable
from dataclasses import replace

import pytest
from edgeloop_rollout.core.judgement import Counted, Criteria, Metric
from edgeloop_rollout.core.phases import Phase
from edgeloop_rollout.core.rollout_machine import begin, decide
from edgeloop_rollout.core.rollout_states import (
    Assign,
    AwaitingApproval,
    Command,
    Device,
    DeviceReported,
    Done,
    Effect,
    EvidenceWindow,
    Happening,
    Order,
    Paused,
    RefuseCommand,
    RolloutPolicy,
    Running,
    SendBack,
    Tick,
    TurnedBack,
)
from edgeloop_rollout.core.sequential_test import Window
from hypothesis import given
from hypothesis import strategies as st

POLICY = RolloutPolicy((Phase(0.05, least_rows=100), Phase(0.25), Phase(1.0)), Criteria((Metric("error"),)))
OLD, NEW = 1, 2
SAME, WORSE = Window(190, 19, 40, 4), Window(190, 19, 40, 14)


class Play:
    """A rollout with a fleet that does as it is told, except for devices that are deaf."""

    def __init__(self, policy: RolloutPolicy = POLICY, devices: int = 40, previous: int | None = OLD) -> None:
        self.policy, self.now = policy, 0.0
        self.fleet = {f"d{i}": Device("ab"[i % 2], 0.0, previous, previous) for i in range(devices)}
        self.deaf: set[str] = set()
        self.effects: list[Effect] = []
        self.rollout, effects = begin(policy, self.fleet, stream="s", version=NEW, previous=previous, at=0.0)
        self.carry_out(effects)

    def carry_out(self, effects: tuple[Effect, ...]) -> None:
        self.effects += effects
        for effect in effects:
            if isinstance(effect, Assign | SendBack):
                for name in effect.devices:
                    device = replace(self.fleet[name], assigned=effect.version)
                    self.fleet[name] = device if name in self.deaf else replace(device, installed=effect.version)

    def happen(self, happening: Happening) -> tuple[Effect, ...]:
        self.now = max(self.now, happening.at)
        self.rollout, effects = decide(self.policy, self.fleet, self.rollout, happening)
        self.carry_out(effects)
        return effects

    def order(self, order: Order, **more: float | None) -> tuple[Effect, ...]:
        return self.happen(Command(self.now, order, "ann", **more))  # type: ignore[arg-type]

    def windows(self, counts: Window, times: int = 1) -> None:
        for _ in range(times):
            self.happen(EvidenceWindow(self.now + 1, counts.new_rows, (Counted("error", counts),)))

    def until(self, met: Callable[[], bool], counts: Window = SAME) -> None:
        for _ in range(200):
            if met():
                return
            self.windows(counts)
        raise AssertionError(self.rollout.stage)

    def at(self, version: int) -> set[str]:
        return {name for name, device in self.fleet.items() if device.assigned == version}

    def silent(self, names: set[str], at: float) -> None:
        """Everybody but these is heard at a time, which a tick tells."""
        self.fleet = {name: device if name in names else replace(device, heard=at) for name, device in self.fleet.items()}
        self.happen(Tick(at))


def test_a_version_that_is_as_good_goes_from_phase_to_phase_to_everybody() -> None:
    play = Play()
    assert len(play.at(NEW)) == 2
    play.until(lambda: play.rollout.stage == Running(1))
    assert len(play.at(NEW)) == 10
    play.until(lambda: play.rollout.stage == Done())
    assert len(play.at(NEW)) == 40


def test_a_version_that_is_worse_goes_back_from_the_devices_that_have_it_and_names_its_evidence() -> None:
    play = Play()
    had = play.at(NEW)
    play.until(lambda: isinstance(play.rollout.stage, TurnedBack), WORSE)
    back = play.effects[-1]
    assert isinstance(back, SendBack)
    assert (set(back.devices), back.version, back.cause.evidence[0].metric) == (had, OLD, "error")
    assert play.at(NEW) == set()


def test_a_version_that_was_turned_back_is_not_offered_again_unless_a_person_says_so() -> None:
    play = Play()
    play.until(lambda: isinstance(play.rollout.stage, TurnedBack), WORSE)
    play.windows(SAME, 100)
    play.fleet["late"] = Device("a", play.now)
    assert play.happen(DeviceReported(play.now, "late")) == (Assign(OLD, ("late",)),)
    play.happen(Tick(play.now + 1))
    assert play.at(NEW) == set()
    play.order(Order.OFFER_AGAIN)
    assert play.rollout.stage == Running(0)
    assert len(play.at(NEW)) == 2
    assert play.rollout.comparisons == ()


def test_a_device_that_was_away_while_a_version_was_turned_back_is_sent_back_when_it_comes() -> None:
    play = Play()
    play.until(lambda: isinstance(play.rollout.stage, TurnedBack), WORSE)
    play.fleet["d3"] = replace(play.fleet["d3"], assigned=NEW)
    (back,) = play.happen(DeviceReported(play.now, "d3"))
    assert isinstance(back, SendBack)
    assert back.devices == ("d3",)
    assert play.happen(DeviceReported(play.now, "d3")) == ()


def test_what_was_asked_for_is_not_enough_a_device_has_to_report_it() -> None:
    play = Play()
    asked = play.at(NEW)
    play.fleet |= {name: replace(play.fleet[name], installed=OLD) for name in asked}
    play.windows(SAME, 60)
    assert play.rollout.stage == Running(0)
    name = min(asked)
    play.fleet[name] = replace(play.fleet[name], installed=NEW)
    play.happen(DeviceReported(play.now, name))
    play.happen(Tick(play.now))
    assert play.rollout.stage == Running(1)


def test_a_lost_device_never_blocks_a_phase_and_others_stand_in_for_it() -> None:
    policy = replace(POLICY, phases=(Phase(0.05, least_devices=2), *POLICY.phases[1:]))
    play = Play(policy)
    lost = play.at(NEW)
    play.fleet |= {name: replace(play.fleet[name], installed=OLD) for name in lost}
    play.silent(lost, 1000.0)
    assert len(play.at(NEW) - lost) == 2
    play.until(lambda: play.rollout.stage == Done())
    assert lost <= play.at(NEW)


def test_a_phase_in_which_no_device_is_heard_waits() -> None:
    play = Play(devices=1)
    play.happen(Tick(1000.0))
    play.windows(SAME, 100)
    assert play.rollout.stage == Running(0)


def test_a_fleet_of_one_needs_rows_and_no_comparison() -> None:
    play = Play(devices=1)
    for _ in range(5):
        play.happen(EvidenceWindow(play.now + 1, 50, ()))
    assert play.rollout.stage == Done()


def test_the_first_version_of_a_stream_goes_to_everybody_at_once() -> None:
    play = Play(previous=None)
    assert (play.rollout.stage, len(play.at(NEW))) == (Done(), 40)
    assert "first of its stream" in refusal(play.order(Order.ROLLBACK))


def test_a_device_that_joins_gets_the_old_version_and_the_new_one_in_its_turn() -> None:
    play = Play()
    play.fleet["late"] = Device("a", 0.0)
    assert play.happen(DeviceReported(0.0, "late")) == (Assign(OLD, ("late",)),)
    play.until(lambda: play.rollout.stage == Done())
    assert "late" in play.at(NEW)
    play.fleet["later"] = Device("b", play.now)
    assert play.happen(DeviceReported(play.now, "later")) == (Assign(NEW, ("later",)),)


def test_a_pinned_device_is_left_alone() -> None:
    play = Play(devices=3)
    play.fleet["mine"] = Device("a", 0.0, 7, 7, pinned=True)
    play.until(lambda: play.rollout.stage == Done())
    assert play.fleet["mine"].assigned == 7
    play.order(Order.ROLLBACK)
    assert play.fleet["mine"].assigned == 7
    assert play.at(NEW) == set()


def test_a_phase_waits_for_approval_and_an_approval_expires() -> None:
    play = Play(replace(POLICY, phases=(Phase(0.05, approval=True), Phase(1.0))))
    play.until(lambda: isinstance(play.rollout.stage, AwaitingApproval))
    assert "expired at 1" in refusal(play.order(Order.APPROVE, phase=1, until=1))
    assert "phases to come (1), given 5" in refusal(play.order(Order.APPROVE, phase=5))
    assert len(play.at(NEW)) == 2
    play.order(Order.APPROVE, phase=1, until=play.now)
    assert play.rollout.stage == Running(1)
    assert "phases to come (none), given 1" in refusal(play.order(Order.APPROVE, phase=1))


def test_an_approval_given_in_advance_counts_until_it_expires() -> None:
    for until, stage in ((1e6, Running(1)), (2.0, AwaitingApproval(1))):
        play = Play(replace(POLICY, phases=(Phase(0.05, approval=True), Phase(1.0, least_rows=10_000))))
        play.order(Order.APPROVE, phase=1, until=until)
        play.until(lambda: play.rollout.stage != Running(0))  # noqa: B023
        assert type(play.rollout.stage) is type(stage)


def test_a_version_that_awaits_approval_or_is_paused_may_still_turn_back() -> None:
    waiting = Play(replace(POLICY, phases=(Phase(0.05, approval=True), Phase(1.0))))
    waiting.until(lambda: isinstance(waiting.rollout.stage, AwaitingApproval))
    paused = Play()
    paused.order(Order.PAUSE)
    for play in (waiting, paused):
        play.until(lambda: isinstance(play.rollout.stage, TurnedBack), WORSE)  # noqa: B023


def test_a_paused_rollout_reaches_nobody_more_until_it_is_resumed() -> None:
    play = Play()
    play.order(Order.PAUSE)
    assert play.rollout.stage == Paused(Running(0), "ann")
    play.windows(SAME, 100)
    play.happen(Tick(play.now))
    assert len(play.at(NEW)) == 2
    assert "is paused" in refusal(play.order(Order.PAUSE))
    play.order(Order.RESUME)
    play.windows(SAME)
    assert play.rollout.stage == Running(1)


def test_a_rollout_that_is_done_can_be_rolled_back_but_not_aborted() -> None:
    play = Play()
    play.until(lambda: play.rollout.stage == Done())
    assert "is done" in refusal(play.order(Order.ABORT))
    play.order(Order.ROLLBACK)
    assert play.rollout.stage == TurnedBack(who="ann")
    assert len(play.at(OLD)) == 40


def test_a_policy_with_fewer_phases_leaves_a_rollout_in_its_last_one() -> None:
    play = Play(replace(POLICY, phases=(Phase(0.05), Phase(0.1), Phase(0.2, approval=True), Phase(1.0))))
    play.until(lambda: isinstance(play.rollout.stage, AwaitingApproval))
    play.policy = replace(POLICY, phases=(Phase(0.05), Phase(1.0)))
    play.happen(Tick(play.now))
    play.happen(Tick(play.now))
    assert (play.rollout.stage, len(play.at(NEW))) == (Done(), 40)


def refusal(effects: tuple[Effect, ...]) -> str:
    (effect,) = effects
    assert isinstance(effect, RefuseCommand)
    return effect.why


NAMES = st.integers(0, 11).map("d{}".format)
TIMES = st.floats(0, 2000)
HAPPENINGS = st.one_of(
    st.builds(EvidenceWindow, TIMES, st.integers(0, 50), st.sampled_from([SAME, WORSE]).map(lambda w: (Counted("error", w),))),
    st.builds(DeviceReported, TIMES, NAMES),
    st.builds(Tick, TIMES),
    st.builds(Command, TIMES, st.sampled_from(Order), st.just("ann"), phase=st.integers(0, 3)),
)


@given(st.lists(HAPPENINGS, max_size=60), st.sets(NAMES))
def test_whatever_happens_no_device_gets_the_version_while_it_is_paused_or_turned_back(happenings: list[Happening], deaf: set[str]) -> None:
    play = Play(devices=10)
    play.deaf = deaf
    for happening in happenings:
        if isinstance(happening, DeviceReported):
            play.fleet.setdefault(happening.device, Device("a", happening.at))
        before, held = play.at(NEW), play.rollout.stage
        play.happen(happening)
        match play.rollout.stage:
            case TurnedBack():
                assert play.at(NEW) == set()
            case Paused() if isinstance(held, Paused):
                assert play.at(NEW) == before
            case _ if not isinstance(held, TurnedBack):
                assert before <= play.at(NEW)
            case _:
                pass


@pytest.mark.parametrize(
    "again", [Tick(5.0), DeviceReported(5.0, "d1"), Command(5.0, Order.PAUSE, "ann"), Command(5.0, Order.ABORT, "ann")]
)
def test_a_happening_that_comes_twice_changes_nothing_more(again: Happening) -> None:
    play = Play()
    play.happen(again)
    state, fleet = play.rollout, dict(play.fleet)
    assert [effect for effect in play.happen(again) if not isinstance(effect, RefuseCommand)] == []
    assert (play.rollout, play.fleet) == (state, fleet)

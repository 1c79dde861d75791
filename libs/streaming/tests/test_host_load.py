"""Limits of time follow what the machine leaves to a process, up to four times what they are on a free one."""

from __future__ import annotations

from edgeloop_streaming.host_load import Age, Machine, Pace, own_time, processor_times
from edgeloop_streaming.progress import Progress


class World:
    """A clock and a machine of two processors, of which others take a share."""

    def __init__(self) -> None:
        self.now = self.total = self.idle = self.own = 0.0
        self.taken = 0.0

    def pass_by(self, seconds: float, own: float = 0.0) -> None:
        self.now += seconds
        self.total += 2 * seconds
        self.own += own
        self.idle += max(2 * seconds * (1 - self.taken) - own, 0.0)

    def machine(self) -> Machine:
        return Machine(lambda: (self.total, self.idle), lambda: self.own)

    def clock(self) -> float:
        return self.now

    def pace(self) -> Pace:
        return Pace(self.machine(), self.clock)

    def commit(self, pace: Pace, seconds: float) -> str:
        pace.begin()
        self.pass_by(seconds)
        doubt = pace.end()
        self.pass_by(0.01)
        return doubt


def test_a_machine_that_others_take_leaves_a_quarter_at_least_and_one_that_does_not_tell_leaves_all() -> None:
    world = World()
    machine = world.machine()
    world.pass_by(10)
    assert machine.left() == 1
    world.taken = 0.5
    world.pass_by(10, own=2)
    assert machine.left() == 0.5
    world.taken = 1.0
    world.pass_by(10)
    assert machine.left() == 0.25
    assert Machine(lambda: (0.0, 0.0), lambda: 0.0).left() == 1


def test_this_machine_tells() -> None:
    total, idle = processor_times()
    assert 0 <= idle <= total
    assert own_time() > 0
    assert 0.25 <= Machine().left() <= 1


def test_on_a_free_machine_a_commit_of_over_a_second_is_doubted() -> None:
    world = World()
    pace = world.pace()
    assert [world.commit(pace, 0.005) for _ in range(50)] == [""] * 50
    assert world.commit(pace, 0.99) == ""
    world.pass_by(60)
    for _ in range(20):
        world.commit(pace, 0.005)
    assert "expected 1.0 s" in world.commit(pace, 1.1)


def test_a_commit_that_is_slow_as_others_take_the_machine_is_not_doubted_from_the_first_one_on() -> None:
    world = World()
    pace = world.pace()
    for _ in range(50):
        world.commit(pace, 0.005)
    world.taken = 1.0
    world.pass_by(2)
    assert [world.commit(pace, seconds) for seconds in (1.2, 2.0, 3.5, 0.5)] == [""] * 4


def test_where_the_machine_does_not_show_it_one_slow_commit_is_doubted_and_those_like_it_are_not() -> None:
    world = World()
    pace = world.pace()
    doubts = [world.commit(pace, seconds) for seconds in (0.01, 1.2, 1.3, 2.0, 3.0)]
    assert [bool(doubt) for doubt in doubts] == [False, True, False, False, False]


def test_whatever_the_machine_a_commit_of_over_four_seconds_is_doubted() -> None:
    world = World()
    world.taken = 1.0
    pace = world.pace()
    for seconds in (2.0, 3.9):
        world.commit(pace, seconds)
    assert "expected 4.0 s" in world.commit(pace, 4.1)


def test_an_age_counts_what_the_machine_left_and_not_while_the_process_was_stopped() -> None:
    world = World()
    age = Age(1.0, world.machine(), world.clock)
    for _ in range(20):
        world.pass_by(0.5)
        age.tick()
    assert age.of(0) == 10
    assert age.of(8) == 2
    world.taken = 1.0
    for _ in range(20):
        world.pass_by(0.5)
        age.tick()
    assert age.of(10) == 2.5
    world.pass_by(600)
    age.tick()
    assert age.of(20) <= 1


def test_the_time_of_a_rebuild_that_gets_on_is_no_standstill_and_that_between_rebuilds_is() -> None:
    world = World()
    progress = Progress(lambda _: {}, world.clock)
    for _ in range(100):
        world.pass_by(1)
        progress.restored()
    assert progress.moved == 100
    world.pass_by(100)  # nothing came
    progress.restored()
    assert progress.moved == 105
    for _ in range(10):  # state is read again and again, and nothing is ever committed
        world.pass_by(9)
        progress.restored()
    assert world.now - progress.moved >= 95 + 10 * 4

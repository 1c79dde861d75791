from edgeloop_replay.schedule import Group, groups, steps
from hypothesis import given
from hypothesis import strategies as st


def test_groups_go_to_the_devices_in_turn_and_the_last_may_be_short():
    assert groups(10, 130, devices=2) == [Group(10, 60, 0), Group(60, 110, 1), Group(110, 130, 0)]


def test_without_a_delay_each_group_is_labelled_at_once():
    assert [(step.rows, step.labels) for step in steps(0, 120, 2, delay=0)] == [(g, (g,)) for g in groups(0, 120, 2)]


def test_labels_follow_once_their_newest_row_is_old_enough():
    played = list(steps(0, 200, 4, delay=100))
    assert [tuple(g.first for g in step.labels) for step in played] == [(), (), (0,), (50,), (100,), (150,)]
    assert [step.rows is None for step in played] == [False, False, False, False, True, True]


@given(st.integers(0, 300), st.integers(1, 700), st.integers(1, 5), st.integers(0, 900), st.integers(1, 60))
def test_every_row_is_played_and_labelled_once_in_order_and_never_too_early(first: int, rows: int, devices: int, delay: int, size: int):
    end = first + rows
    played: list[int] = []
    labelled: list[int] = []
    for step in steps(first, end, devices, delay, size):
        if step.rows is not None:
            played += range(step.rows.first, step.rows.end)
        for group in step.labels:
            labelled += range(group.first, group.end)
            assert group.end <= len(played) + first
            assert step.rows is None or len(played) + first - group.end >= delay
    assert played == labelled == list(range(first, end))

from itertools import pairwise

import pytest
from edgeloop_rollout.core.phases import Fault, Phase, faults, members
from edgeloop_rollout.core.strata import strata
from hypothesis import given
from hypothesis import strategies as st

PLAN = (Phase(0.05), Phase(0.25), Phase(1.0))
FLEETS = st.dictionaries(st.integers(0, 400).map("d{}".format), st.sampled_from("abcde"), min_size=1, max_size=120)
SHARES = st.lists(st.floats(0.01, 1.0), min_size=1, max_size=6).map(sorted)


def fleet(**sizes: int) -> dict[str, str]:
    return {f"{group}{i}": group for group, size in sizes.items() for i in range(size)}


def by_group(found: frozenset[str], devices: dict[str, str]) -> dict[str, int]:
    return {group: sum(devices[name] == group for name in found) for group in sorted(set(devices.values()))}


def test_each_group_gives_its_share_and_the_largest_remainders_give_the_rest() -> None:
    devices = fleet(a=60, b=30, c=10)
    assert by_group(members("s@2", PLAN[:1], devices), devices) == {"a": 3, "b": 2, "c": 0}
    assert by_group(members("s@2", PLAN[:2], devices), devices) == {"a": 15, "b": 8, "c": 2}
    assert members("s@2", PLAN, devices) == set(devices)


def test_the_first_phase_has_a_device_even_in_a_small_fleet() -> None:
    assert len(members("s@2", PLAN[:1], fleet(a=3))) == 1
    assert members("s@2", PLAN[:1], {}) == frozenset()


@given(FLEETS, SHARES)
def test_a_device_of_a_phase_is_in_all_later_ones(devices: dict[str, str], shares: list[float]) -> None:
    phases = [Phase(share) for share in shares]
    steps = [members("s@2", phases[: k + 1], devices) for k in range(len(phases))]
    assert all(one <= following for one, following in pairwise(steps))
    assert steps[0]
    assert abs(len(steps[0]) - max(1, shares[0] * len(devices))) <= 1


@given(FLEETS, FLEETS, st.floats(0.01, 1.0))
def test_devices_that_have_the_version_stay_when_others_come_and_go(before: dict[str, str], after: dict[str, str], share: float) -> None:
    kept = members("s@2", [Phase(share)], before)
    now = before | after
    assert kept <= members("s@2", [Phase(share)], now, kept)
    gone = set(list(before)[::2]) - kept
    left = {name: group for name, group in before.items() if name not in gone}
    assert kept <= members("s@2", [Phase(share)], left, kept)


def test_another_version_begins_with_other_devices_and_the_same_one_with_the_same() -> None:
    devices = fleet(a=200)
    one, again, other = (members(seed, PLAN[:1], devices) for seed in ("s@2", "s@2", "s@3"))
    assert one == again
    assert len(one & other) < 5


def test_a_phase_of_groups_takes_these_alone_and_they_keep_it() -> None:
    devices = fleet(lab=4, field=40)
    plan = (Phase(1.0, ("lab",)), Phase(0.25), Phase(1.0))
    assert by_group(members("s@2", plan[:1], devices), devices) == {"field": 0, "lab": 4}
    assert by_group(members("s@2", plan[:2], devices), devices) == {"field": 10, "lab": 4}


@pytest.mark.parametrize(
    ("phases", "fault", "text"),
    [
        ((), Fault.EMPTY, "A plan needs at least one phase, none is given."),
        ((Phase(1.2),), Fault.NOT_A_SHARE, "Phase 1: expected a share above 0 % and at most 100 %, given 120 %."),
        ((Phase(float("nan")),), Fault.NOT_A_SHARE, "Phase 1: expected a share above 0 % and at most 100 %, given nan %."),
        ((Phase(0.25), Phase(0.05)), Fault.SHRINKS, "Phase 2: a phase must not shrink, given 5 % of the fleet after 25 %."),
        ((Phase(0.5), Phase(0.2, ("lab",))), Fault.SHRINKS, "Phase 2: a phase must not shrink, given 20 % of group lab after 50 %."),
        ((Phase(1.0, ("attic",)),), Fault.UNKNOWN_GROUP, "Phase 1: the fleet has no group attic; its groups are: field, lab."),
        (
            (Phase(1.0, least_rows=-1),),
            Fault.NEGATIVE_MINIMUM,
            "Phase 1: expected least rows and devices of 0 or more, given -1 rows and 1 devices.",
        ),
    ],
)
def test_a_plan_that_cannot_be_carried_out_is_refused_with_a_sentence(phases: tuple[Phase, ...], fault: Fault, text: str) -> None:
    assert [(one.fault, one.text) for one in faults(phases, ("lab", "field"))] == [(fault, text)]


def test_a_plan_of_groups_and_then_shares_is_fine() -> None:
    assert faults((Phase(1.0, ("lab",)), Phase(0.05), Phase(0.25), Phase(1.0)), ("lab", "field")) == ()


def test_each_stratum_of_devices_that_err_alike_gives_its_share() -> None:
    devices = fleet(a=100)
    alike = strata({name: (100, int(name[1:])) for name in devices}, 5)
    found = members("s@2", PLAN[:1], devices, strata=alike)
    assert sorted(alike[name] for name in found) == [f"{i} of 5" for i in range(1, 6)]


def test_strata_that_are_too_small_for_all_to_give_one_are_drawn_by_hash() -> None:
    devices = fleet(a=40)
    alike = strata({name: (100, int(name[1:])) for name in devices}, 10)
    drawn = {alike[name] for version in range(20) for name in members(f"s@{version}", PLAN[:1], devices, strata=alike)}
    assert len(drawn) > 5


def test_strata_of_no_devices_are_none_and_of_no_number_are_refused() -> None:
    assert strata({}, 3) == {}
    with pytest.raises(ValueError, match="expected a count of 1 or more, given 0"):
        strata({}, 0)

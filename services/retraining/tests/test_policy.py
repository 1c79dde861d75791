import pytest
from edgeloop_contracts import Policy as Event
from edgeloop_contracts import RetrainingPolicy
from edgeloop_retraining.core.policy import Policy, apply_policy
from edgeloop_retraining.settings import Settings


def test_stages_come_first_then_quiet_fits_then_quiet_fits_at_double_age() -> None:
    policy = Policy(stages=(100, 300), quiet=(1000,))
    assert [policy.due(k, command=False) for k in range(5)] == [100, 300, 1000, 2000, 4000]
    assert [policy.due(k, command=True) for k in range(4)] == [0, 1000, 2000, 4000]


def test_without_quiet_fits_a_campaign_ends() -> None:
    assert Policy(quiet=()).due(3, command=False) is None
    assert Policy(quiet=(5000,), quiet_doubling=False).due(4, command=False) is None
    assert Policy(quiet=()).due(1, command=True) is None


def test_a_window_begins_at_the_alarm_and_holds_the_newest_rows_only() -> None:
    policy = Policy(window=1000, back=50)
    assert policy.start(5000, 5200, whole=False) == 4950
    assert policy.start(5000, 7000, whole=False) == 6000
    assert policy.start(20, 220, whole=False) == 0
    assert policy.start(5000, 5200, whole=True) == 4200


def test_the_budget_allows_a_burst_and_refills_with_rows() -> None:
    policy = Policy(budget=100, burst=2)
    spent = policy.spend(0, 0)
    assert spent == 100
    spent = policy.spend(spent, 0)
    assert spent == 200
    assert policy.spend(spent, 99) is None
    assert policy.spend(spent, 100) == 200
    assert policy.spend(spent, 10_000) == 100


@pytest.mark.parametrize("wrong", [{"stages": (300, 100)}, {"stages": (0,)}, {"stages": (), "quiet": ()}, {"window": 0}, {"budget": -1}])
def test_a_policy_that_makes_no_sense_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        Policy(**wrong)


def test_settings_are_the_policy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().policy == Policy()
    monkeypatch.setenv("EDGELOOP_RETRAINING_STAGES", "100, 300")
    monkeypatch.setenv("EDGELOOP_RETRAINING_QUIET", "")
    monkeypatch.setenv("EDGELOOP_RETRAINING_ON_OPEN", "ignore")
    assert Settings().policy == Policy(stages=(100, 300), quiet=(), on_open="ignore")


def test_what_a_policy_does_not_give_stays_as_set() -> None:
    settings = Policy(window=500, gate=50)
    given = Event(tenant="default", stream="", retraining=RetrainingPolicy(stages=(10, 20), quiet=(), budget=0))
    assert apply_policy(settings, given) == Policy(window=500, gate=50, stages=(10, 20), quiet=(), budget=0)
    assert apply_policy(settings, Event(tenant="default", stream="")) == settings


@pytest.mark.parametrize("given", [RetrainingPolicy(on_open="sometimes"), RetrainingPolicy(stages=(300, 200)), RetrainingPolicy(window=0)])
def test_what_is_given_and_makes_no_sense_is_refused(given: RetrainingPolicy) -> None:
    with pytest.raises(ValueError, match=r"on_open|rising|range"):
        apply_policy(Policy(), Event(tenant="default", stream="", retraining=given))

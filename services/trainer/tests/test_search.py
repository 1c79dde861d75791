"""The search for hyper-parameters: what it tries, when it ends, and what it tells."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from edgeloop_contracts import GateKind, RunStatus, TrainingRun
from edgeloop_trainer.core.families import CLASSIFIERS, Family
from edgeloop_trainer.core.fit_job import FitJob
from edgeloop_trainer.core.fit_result import Failed, Fitted
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.core.search_spaces import SPACES
from edgeloop_trainer.io.fit import fit
from edgeloop_trainer.io.search import search
from edgeloop_trainer.settings import Settings
from pydantic import ValidationError


def job(family: Family = Family.EXTRA_TREES, trials: int = 4, seconds: float = 60.0, seed: int = 0) -> FitJob:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(300, 5)).astype(np.float32)
    labels = (features[:, 0] + 0.7 * rng.normal(size=300) > 0).astype(np.int64)
    held, tried = np.arange(300) >= 260, (np.arange(300) >= 200) & (np.arange(300) < 260)
    recipe = Recipe(family, trees=5, seed=seed, search_seconds=seconds, search_trials=trials)
    return FitJob("digest", features, labels, ("a", "b"), held, recipe, tried)


@pytest.mark.parametrize("family", sorted(CLASSIFIERS))
def test_every_family_is_searched_within_its_space_and_becomes_a_checked_file(family):
    fitted = fit(job(family))
    assert isinstance(fitted, Fitted), fitted
    first, *others = fitted.steps
    assert first.parameters == job(family).recipe.parameters
    assert len(others) == 3
    for trial in others:
        assert not trial.reason
        for name, dimension in SPACES[family].items():
            assert dimension.low <= float(trial.parameters[name]) <= dimension.high
    assert fitted.parameters["trials"] == "4"


def test_the_best_trial_is_taken_and_the_first_of_equal_ones():
    found = search(job(trials=12))
    accuracies = [trial.metrics["accuracy"] for trial in found.steps]
    best = found.steps[accuracies.index(max(accuracies))]
    assert {name: best.parameters.get(name) for name in found.chosen} == {name: str(value) for name, value in found.chosen.items()}
    assert max(accuracies) >= accuracies[0]


@pytest.mark.parametrize("family", [Family.EXTRA_TREES, Family.MLP])
def test_the_same_rows_and_number_of_trials_give_the_same_file_and_another_seed_other_trials(family):
    one, same, other = (fit(job(family, seed=seed)) for seed in (0, 0, 1))
    assert one.digest == same.digest
    assert [trial.parameters for trial in one.steps] == [trial.parameters for trial in same.steps]
    assert [trial.metrics for trial in one.steps] == [trial.metrics for trial in same.steps]
    assert [trial.parameters for trial in one.steps[1:]] != [trial.parameters for trial in other.steps[1:]]


def test_no_trial_begins_that_would_end_beyond_the_budget():
    ticks = count()
    # The clock is asked at the start, and per trial at its start, its end and before the next: each trial takes one second,
    # and there are two more between the beginnings of two. After the third 1 + 3 * 3 = 9 have gone.
    found = search(job(trials=50, seconds=9.0), clock=lambda: float(next(ticks)))
    assert len(found.steps) == 3
    assert {trial.seconds for trial in found.steps} == {1.0}


def test_a_budget_of_no_time_still_tries_the_recipe_as_it_is():
    found = search(job(trials=50, seconds=1e-9))
    assert (len(found.steps), found.chosen) == (1, {})


def test_rows_that_judge_trials_are_not_those_that_judge_the_model():
    given = job()
    assert not (given.validation & given.held).any()
    # Whatever stands in the rows held out, trials do not see it.
    spoilt = replace(given, features=np.where(given.held[:, None], np.float32(9), given.features))
    assert [t.metrics for t in search(spoilt).steps] == [t.metrics for t in search(given).steps]


def test_rows_that_cannot_be_fitted_on_give_trials_that_say_why():
    given = job()
    features = given.features.copy()
    features[0, 0] = np.inf
    failed = fit(replace(given, features=features))
    assert isinstance(failed, Failed)
    assert all("infinity" in trial.reason and not trial.metrics for trial in failed.steps)
    assert len(failed.steps) == 4


def test_rows_of_one_class_are_not_searched():
    given = job()
    fitted = fit(replace(given, labels=given.labels * 0, classes=("a",)))
    assert isinstance(fitted, Fitted)
    assert fitted.steps == ()


def test_trials_are_told_before_the_run_that_they_led_to_and_a_repeat_changes_nothing(make_world):
    world = make_world(recipe=Recipe(trees=8, search_seconds=60.0, search_trials=3))
    world.deliver(*world.label([20] * 10))
    request = world.request(0, 200, GateKind.MAJORITY)
    told = [send.event for send in world.deliver(request) if isinstance(send.event, TrainingRun)]
    assert [run.status for run in told] == [RunStatus.TRIAL] * 3 + [RunStatus.FITTED, RunStatus.PROMOTED]
    assert [run.trial for run in told] == [1, 2, 3, None, None]
    assert {run.request_id for run in told} == {request.event.request_id}
    assert all(set(run.metrics) == {"accuracy", "rows"} and run.metrics["rows"] == 32 and not run.file for run in told[:3])
    assert "max_features" in told[1].parameters
    assert told[3].parameters["trials"] == "3"
    assert (told[3].file.chunks, told[3].file.partition, told[3].classes) == (1, 0, ("high", "low"))
    assert [send for send in world.driver.repeat() if send.topic.name == "training.runs"] == []


def test_a_search_must_leave_time_for_the_fit():
    assert Settings(search_seconds=60.0).plan.recipe.search_seconds == 60.0
    with pytest.raises(ValidationError, match="at most half of the 120 s"):
        Settings(search_seconds=61.0)

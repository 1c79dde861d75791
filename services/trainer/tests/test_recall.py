"""A world that comes back: an archived version at the gate in place of a fresh fit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edgeloop_contracts import ModelCandidate, ModelFile, ModelVersion, RunStatus, TrainingRun, topics
from edgeloop_streaming import Send
from edgeloop_trainer.core.dataset import Dataset
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.recall import RANKED, archived, compared, recall_wins, rival
from edgeloop_trainer.core.recipe import Recipe
from edgeloop_trainer.io.fit_queue import FitQueue

RULE = Rule(4)


def runs(sent: list[Send]) -> list[TrainingRun]:
    return [replace(send.event, fit_seconds=0.0) for send in sent if isinstance(send.event, TrainingRun)]


def candidates(sent: list[Send]) -> list[ModelCandidate]:
    return [send.event for send in sent if isinstance(send.event, ModelCandidate)]


def there_and_back(world: Any) -> list[Send]:
    """Version 1 for one world, version 2 for its opposite, then few rows of the first again; gives what their request leads to."""
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    world.deliver(world.request(200, 400))
    world.deliver(*world.label([20], flipped=True))
    assert world.versions == 2
    world.deliver(*world.label([15] * 4))
    return world.deliver(world.request(420, 480))


def test_an_archived_version_that_fits_the_new_rows_better_than_a_fresh_fit_is_promoted_again_and_sends_no_chunks(world):
    (fitted,) = runs(sent := there_and_back(world))
    first = world.log.records[topics.MODEL_EVENTS.name, 0][0].event
    assert (fitted.status, fitted.recalls, fitted.file.digest, fitted.rows) == (RunStatus.FITTED, 1, first.file.digest, 200)
    assert fitted.metrics["archive_accuracy"] > fitted.metrics["fresh_accuracy"]
    assert not [send for send in sent if send.topic is topics.MODEL_CHUNKS]
    sent = world.deliver(*world.label([5] * 4))
    (promoted,) = runs(sent)
    assert (promoted.status, promoted.recalls, promoted.champion_version) == (RunStatus.PROMOTED, 1, 2)
    (candidate,) = candidates(sent)
    assert (candidate.recalls, candidate.champion_version, candidate.file.digest) == (1, 2, first.file.digest)
    assert candidate.file == first.file
    assert world.versions == 3


def test_a_rejected_archived_version_keeps_its_chunks(world):
    there_and_back(world)
    sent = world.deliver(*world.label([20] * 10, flipped=True))
    (run,) = runs(sent)
    assert (run.status, run.recalls) == (RunStatus.REJECTED, 1)
    assert not [send for send in sent if send.topic is topics.MODEL_CHUNKS]


def test_a_restart_while_an_archived_version_is_at_the_gate_changes_nothing(make_world):
    def play(*, restarted: bool) -> tuple[list[TrainingRun], list[ModelCandidate]]:
        world = make_world()
        there_and_back(world)
        if restarted:
            world.driver.restart()
        sent = world.deliver(*world.label([5] * 4))
        return runs(sent), candidates(sent)

    assert play(restarted=True) == play(restarted=False)


def test_without_an_archive_a_fresh_fit_stands_at_the_gate(make_world):
    (fitted,) = runs(there_and_back(make_world(recipe=Recipe(trees=8, archive=0))))
    assert (fitted.status, fitted.recalls, fitted.rows) == (RunStatus.FITTED, None, 60)


@pytest.mark.parametrize("until", [600, 480])
def test_what_a_fit_has_to_beat_is_the_same_whether_its_request_closes_the_gate_before_it_or_finds_it_closed(
    make_world, monkeypatch, until
):
    known: list[list[str]] = []
    begin = FitQueue.begin

    def noted(self: FitQueue, key: str, fitting: Any, versions: Any, group: Any) -> Any:
        known.append([version.file.digest for version in versions])
        return begin(self, key, fitting, versions, group)

    monkeypatch.setattr(FitQueue, "begin", noted)
    world = make_world(minimum=1000)  # gates decide at their last row
    world.first_champion()
    world.deliver(*world.label([20] * 10, flipped=True))
    fitted = runs(world.deliver(world.request(200, 400, until=until)))[0]
    world.deliver(*world.label([10] * 8, flipped=True))
    world.deliver(world.request(400, 480, stage=1))
    first = world.log.records[topics.MODEL_EVENTS.name, 0][0].event
    assert world.versions == 2
    assert known[-1] == [first.file.digest, fitted.file.digest]


def rows(count: int = 100) -> Dataset:
    labels = np.arange(count) % 2
    return Dataset(np.zeros((count, 2), np.float32), labels, ("a", "b"), np.zeros(count, np.int64), "d")


def test_the_archive_holds_each_file_once_and_neither_the_champions_nor_those_of_another_definition():
    known = [
        ModelVersion(tenant="default", stream="", version=number, file=ModelFile(digest=digest), definition_version=definition)
        for number, (digest, definition) in enumerate([("a", 1), ("b", 2), ("c", 2), ("b", 2), ("d", 2)], 1)
    ]
    assert [version.version for version in archived(known, 8, 2)] == [4, 3]
    assert [version.version for version in archived(known, 1, 2)] == [4]
    assert archived(known, 0, 2) == archived([], 8, 2) == []


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ({1: 0.9, 2: 0.7, 3: 0.1}, 1),
        ({1: 0.9, 2: 0.9, 3: 0.1}, 2),  # the newer of two that are equal
        ({1: 0.5, 2: 0.4, 3: 0.5}, None),  # not ahead of the champion
        ({1: None, 2: 0.8, 3: 0.2}, 2),  # its file is gone
    ],
)
def test_the_best_archived_version_is_a_rival_if_it_is_ahead_of_the_champion(share, expected):
    dataset = rows()

    def answers(version, features):
        right = share[version.version]
        truth = np.array(["a", "b"])[dataset.labels[dataset.newest(share=RANKED)]]
        wrong = np.where(truth == "a", "b", "a")
        return None if right is None else list(np.where(np.arange(len(truth)) < right * len(truth), truth, wrong))

    versions = [ModelVersion(tenant="default", stream="", version=number, file=ModelFile(digest=str(number))) for number in share]
    found = rival(dataset, versions, answers, RULE, 8, 0)
    assert (found and found.version) == expected


def test_versions_that_answer_with_numbers_are_ranked_by_their_errors():
    truth = np.linspace(0, 1, 100)
    dataset = Dataset(np.zeros((100, 2), np.float32), truth, (), np.zeros(100, np.int64), "d")
    off = {1: 0.3, 2: 0.1, 3: 0.5}
    newer = truth[dataset.newest(share=RANKED)]

    def answers(version, features):
        return [str(value + off[version.version]) for value in newer]

    versions = [ModelVersion(tenant="default", stream="", version=number, file=ModelFile(digest=str(number))) for number in off]
    found = rival(dataset, versions, answers, RULE, 8, 0)
    assert found.version == 2
    assert np.allclose(found.scores, 0.1)


def test_a_version_that_is_ahead_at_all_goes_before_a_fit():
    ahead = compared(np.array([1.0, 1, 1, 0]), np.array([0.0, 1, 0, 1]), numbers=False)
    assert (ahead.wins, ahead.losses, ahead.both, ahead.judged) == (2, 1, 1, 4)
    assert recall_wins(ahead)
    assert not recall_wins(compared(np.array([1.0, 0]), np.array([0.0, 1]), numbers=False))
    assert recall_wins(compared(np.array([0.1, 0.2]), np.array([0.1, 0.3]), numbers=True))

"""A policy that was tried, as the event that switches it on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from edgeloop_adapter.core.policies import apply_policy as learning
from edgeloop_cli.main import build
from edgeloop_contracts import DetectionPolicy, Policy, RetrainingPolicy, TrainingPolicy
from edgeloop_drift.core.policies import apply_policy as rules
from edgeloop_drift.core.pooled_detectors import Rules
from edgeloop_kafka import body, from_body
from edgeloop_mixture.rule import Rule as Learning
from edgeloop_replay import Policy as ReplayPolicy
from edgeloop_replay.errors import BadPolicyError
from edgeloop_replay.policy_event import event, named
from edgeloop_retraining.core.policy import Policy as Retraining
from edgeloop_retraining.core.policy import apply_policy as retraining
from edgeloop_trainer.core.gate import Rule
from edgeloop_trainer.core.plans import Plan
from edgeloop_trainer.core.plans import apply_policy as plan
from edgeloop_trainer.core.recipe import Recipe
from typer.testing import CliRunner

RUNNER = CliRunner()
CONTENT: dict[str, Any] = {
    "detection": {"detector": "HDDM_A", "parameters": {"drift_confidence": 0.002, "two_sided_test": True}, "scopes": ["version"]},
    "retraining": {"stages": [100, 300], "quiet": [], "on_open": "ignore", "budget": 0},
    "training": {"family": "random_forest", "trees": 40},
    "gate": {"minimum": 8},
    "adapter": {"publish_every": 200, "weight_rate": 0.02},
}


def made(content: Any) -> Policy:
    return event(content, "default", "pumps", "tried", 3)


def test_an_event_names_what_the_file_names_and_nothing_else() -> None:
    assert made({"retraining": {"gate": 100}}) == Policy(
        tenant="default",
        stream="pumps",
        name="tried",
        version=3,
        retraining=RetrainingPolicy(gate=100),
        training=TrainingPolicy(),
        detection=DetectionPolicy(),
    )
    assert named(made(CONTENT)) == CONTENT


def test_services_make_of_the_event_what_a_backtest_makes_of_the_file() -> None:
    tried, policy = ReplayPolicy.parse(CONTENT), from_body(Policy, body(made(CONTENT)))
    assert retraining(Retraining(), policy) == tried.retraining
    assert plan(Plan(Recipe(), Rule()), policy) == Plan(tried.training, tried.gate)
    assert rules(Rules(), policy) == tried.detection
    assert learning(Learning(), policy) == tried.adapter


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"adapter": {"enabled": False}}, "adapter.enabled: cannot be changed while running; what can is publish_every, "),
        ({"adapter": {"members": 2}}, "adapter.members: cannot be changed while running; what can is publish_every, "),
        ({"adapter": {"publish_every": 0}}, "adapter: publish_every: expected 1 to 4096, given 0"),
        ({"adapter": {"bias_decay": float("nan")}}, "adapter: bias_decay: expected a number from 0 to 1, given nan"),
        ({"grid": {"retraining.gate": [1, 2]}}, "grid: "),
        ({"training": {"seed": 3}}, "training.seed: cannot be changed while running; what can is family, trees, min_leaf"),
        ({"training": {"trees": 0}}, "training: trees: expected 1 to 1000, given 0"),
        ({"gate": {"minimum": "four"}}, "gate.minimum: expected a valid integer, given 'four'"),
        ({"gate": {"minimum": 0}}, "gate: minimum: expected 1 or more, given 0"),
        ({"detection": {"parameters": {"delta": float("inf")}}}, "detection: ADWIN: delta: expected a finite number, given inf"),
        ({"retraining": {"on_open": "sometimes"}}, "retraining.on_open: expected 'restart' or 'ignore', given 'sometimes'"),
        ({"retraining": {"stage": [1]}}, "retraining.stage: there is no such field"),
        ({"detection": {"scopes": ["device"]}}, "detection: scopes: expected some of stream, alone and version, given device"),
        ({"detection": {"parameters": {"delta": [1]}}}, "detection.parameters.delta: expected a number or a text, given [1]"),
        ({}, "it names nothing"),
        (None, "it names nothing"),
        ([1], "the policy: expected names with values, given [1]"),
    ],
)
def test_what_cannot_be_switched_on_is_refused_in_one_line(content: Any, told: str) -> None:
    with pytest.raises(BadPolicyError) as refused:
        made(content)
    assert str(refused.value).startswith(told)
    assert "\n" not in str(refused.value)


def test_all_faults_of_a_file_are_told_at_once() -> None:
    faulty = {"retraining": {"window": "many", "stage": 1}, "training": {"family": 3}, "gate": {"minimum": 0}, "detect": {}, 7: {}}
    with pytest.raises(BadPolicyError) as refused:
        made(faulty)
    lines = str(refused.value).splitlines()
    assert lines[0] == "6 values cannot be used:"
    starts = [
        "retraining.window: expected a valid integer, given 'many'",
        "retraining.stage: there is no such field; there are stages, quiet",
        "training.family: expected 'extra_trees', 'random_forest'",
        "gate: minimum: expected 1 or more, given 0",
        "detect: there is no such section; there are detection, retraining",
        "7: expected a name, given 7",
    ]
    assert all(any(line.strip().startswith(start) for line in lines) for start in starts), lines


def test_a_file_that_cannot_be_used_is_told_before_anything_is_asked_of_a_cluster(tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text("retraining: {window: many}\n")
    done = RUNNER.invoke(build(), ["policy", "set", str(path), "--data-dir", str(tmp_path)])
    assert done.exit_code == 2
    assert done.stderr == f"edgeloop: {path}: retraining.window: expected a valid integer, given 'many'\n"

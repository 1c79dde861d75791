"""Streams whose label is a number, offline."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from edgeloop_cli.main import build
from edgeloop_replay.errors import BadTableError
from edgeloop_replay.ledger import Ledger
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.parallel import backtest
from edgeloop_replay.policy import Policy
from edgeloop_replay.report import Counts, assemble
from edgeloop_replay.schedule import fitting_group
from edgeloop_replay.setting import setting_of
from edgeloop_replay.tables.regression import as_task, default_tolerance, label_kinds
from edgeloop_replay.tables.stream_table import StreamTable
from edgeloop_replay.task import Task
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner


def shifting(rows: int = 2_400, at: int = 1_200) -> StreamTable:
    """A number told by two features, of which one changes its sign once."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 4)).astype(np.float32)
    sign = np.where(np.arange(rows) < at, 1, -1)
    load = 20 + 5 * features[:, 0] + 5 * sign * features[:, 1] + 0.3 * rng.normal(size=rows)
    return StreamTable(("a", "b", "c", "d"), features, (False,) * 4, "load", tuple(f"{value:.3f}" for value in load))


def tried(table: StreamTable, *policies: Policy):
    setting = setting_of(table, "shifting", devices=2, group=50, task=Task.REGRESSION)
    results = backtest(setting, {str(number): policy for number, policy in enumerate(policies)}, 1, lambda name, rows: None)
    return [result.report for result in results.values()]


def test_the_loop_learns_the_new_distribution_and_the_first_version_does_not() -> None:
    report, without = tried(shifting(), Policy(), Policy.parse({"adapter": {"enabled": False}}))
    assert report["accuracy"] > report["accuracy_static"] + 0.2
    assert report["mae"] < 0.7 * report["mae_static"]
    assert report["rmse"] < report["rmse_static"]
    assert any(1_200 <= signal["row"] <= 1_400 for signal in report["signals"])
    assert len(report["versions"]) >= 2
    assert report["adapters"] > 20
    assert without["adapters"] == 0
    assert report["mae"] < 0.9 * without["mae"]


def test_a_few_labels_that_are_far_off_spoil_what_is_learned_between_fits_no_more_than_wrong_ones() -> None:
    table = shifting(1_500, at=1_500)
    wild = np.random.default_rng(1).random(len(table)) < 0.01
    labels = tuple("1e9" if bad else label for bad, label in zip(wild, table.labels, strict=True))
    report, without = tried(replace(table, labels=labels), Policy(), Policy.parse({"adapter": {"enabled": False}}))
    assert report["accuracy"] > 0.9
    assert without["accuracy"] < 0.8


@pytest.mark.parametrize("family", ["random_forest", "gradient_boosting", "linear", "mlp"])
def test_other_families_go_through_the_loop_too(family: str) -> None:
    (report,) = tried(shifting(1_200, 600), Policy.parse({"training": {"family": family, "trees": 10}}))
    assert len(report["versions"]) >= 2
    assert report["mae"] < report["mae_static"]


@pytest.mark.parametrize("training", [{"family": "adaptive_random_forest", "trees": 3}, {"challengers": ["hoeffding_adaptive_tree"]}])
def test_models_that_learn_from_every_row_take_part_and_give_the_same_twice(training: dict[str, Any]) -> None:
    policy = Policy.parse({"training": training, "adapter": {"enabled": False}})
    table = as_task(shifting(1_500, 700), Task.REGRESSION, 150, None)
    one, other = (ReplayLoop(table, 150, 0, 2, 50, 0, policy) for _ in range(2))
    one.run()
    other.run()
    assert one.ledger.answers == other.ledger.answers
    first, *fits = one.ledger.fitted.values()
    assert fits
    if "family" in training:
        assert {run.parameters["family"] for run in (first, *fits)} == {"adaptive_random_forest"}
        assert all(run.rows > 700 for run in fits)
    else:
        assert first.parameters["family"] == "extra_trees"
        assert all(run.metrics["hoeffding_adaptive_tree_mae"] > 0 for run in fits)
    assert {version.event.classes for version in one.trainer.versions.values()} == {()}


def test_the_report_has_the_errors_beside_what_every_report_has() -> None:
    classes, numbers = Ledger(warmup=0, total=4), Ledger(warmup=0, total=4, tolerance=1.0)
    answers, static, labels = ("1.0", "2.0", "5.0", "7.0"), ("1.0", "1.0", "1.0", "1.0"), ("1.0", "3.0", "3.0", "3.0")
    for row, given_ in enumerate(zip(answers, labels, static, strict=True)):
        answer, label, never = given_
        numbers.record(row, ("d", 1, row), answer, 1, label, never)
    told = assemble(numbers, 1, "data", Counts(), 1.0, set())
    assert set(told) - set(assemble(classes, 1, "data", Counts(), 1.0, set())) == {"tolerance", "mae", "mae_static", "rmse", "rmse_static"}
    assert (told["accuracy"], told["accuracy_static"]) == (0.5, 0.25)
    assert (told["mae"], told["mae_static"]) == (1.75, 1.5)
    assert told["rmse"] == pytest.approx(math.sqrt(21 / 4), abs=1e-5)
    numbers.record(4, ("d", 1, 4), "nan", 1, "1.0", "1.0")
    assert assemble(numbers, 1, "data", Counts(), 1.0, set())["mae"] is None


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=2, max_size=60).filter(lambda values: len(set(values)) > 1))
def test_a_derived_tolerance_is_a_number_above_zero(labels: list[float]) -> None:
    assert 0 < default_tolerance(labels) < math.inf


def test_a_few_wild_labels_do_not_move_the_tolerance() -> None:
    labels = np.random.default_rng(1).normal(size=400).tolist()
    assert default_tolerance([*labels, 1e9, -1e9, 1e12]) == pytest.approx(default_tolerance(labels), rel=0.1)
    assert default_tolerance(labels) == pytest.approx(0.674, rel=0.15)  # of a normal distribution


def test_labels_get_the_one_text_of_their_number() -> None:
    table = replace(shifting(4), labels=("1", "1.50", " 2e1", "-0"))
    made = as_task(table, Task.REGRESSION, 4, None)
    assert (made.labels, made.classes) == (("1.0", "1.5", "20.0", "0.0"), ())
    assert made.first(2).tolerance == made.tolerance
    assert as_task(made, Task.CLASSIFICATION, 4, None) == made  # as recorded rows come


def test_numbers_that_hardly_move_from_row_to_row_are_played_in_small_groups() -> None:
    rng = np.random.default_rng(2)
    walk, jumps = np.cumsum(rng.normal(size=400)), rng.normal(size=400)
    tables = [replace(shifting(400), labels=tuple(map(str, numbers.tolist())), tolerance=1.0) for numbers in (walk, jumps)]
    assert [fitting_group(label_kinds(table, 400), 0) for table in tables] == [10, 50]


def test_what_is_no_regression_is_refused_with_row_and_column() -> None:
    table = shifting(4)
    with pytest.raises(BadTableError, match="row 3, column 'load': expected a finite number as label, given 'warm'"):
        as_task(replace(table, labels=("1", "2", "warm", "4")), Task.REGRESSION, 4, None)
    with pytest.raises(BadTableError, match="expected a number above 0"):
        as_task(table, Task.REGRESSION, 4, 0.0)
    with pytest.raises(BadTableError, match="a tolerance is for --task regression"):
        as_task(table, Task.CLASSIFICATION, 4, 1.0)
    with pytest.raises(BadTableError, match="all labels of the warm-up are equal"):
        as_task(replace(table, labels=("1", "1.0", "1", "2")), Task.REGRESSION, 3, None)
    with pytest.raises(BadTableError, match=r"same: .*two different"):
        setting_of(replace(table, labels=("1",) * 4), "same", warmup=0.5, task=Task.REGRESSION)


def test_the_command_says_what_counts_as_right(tmp_path) -> None:
    table = shifting(800, 400)
    lines = [",".join((*table.names, table.label))]
    lines += [",".join([*(f"{value:.6g}" for value in row), label]) for row, label in zip(table.features, table.labels, strict=True)]
    path, out = tmp_path / "load.csv", tmp_path / "out.json"
    path.write_text("\n".join(lines) + "\n")
    arguments = ["backtest", "--stream", str(path), "--label", "load", "--task", "regression", "--tolerance", "1.25"]
    told = CliRunner().invoke(build(), [*arguments, "--report", str(out), "--plot", str(tmp_path)])
    assert told.exit_code == 0, told.output
    assert "right is within" in told.output and "1.25" in told.output and "MAE, never retrained" in told.output
    assert json.loads(out.read_text())["policies"]["default"]["tolerance"] == 1.25
    assert (tmp_path / "backtest.png").exists()

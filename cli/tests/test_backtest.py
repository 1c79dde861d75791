"""The loop offline: policies, figures, determinism, and what a user sees."""

import json

import numpy as np
import pytest
from edgeloop_cli.backtest import read_policies
from edgeloop_cli.errors import RefusedError
from edgeloop_cli.main import build
from edgeloop_replay.backtest_report import known_changes
from edgeloop_replay.errors import BadPolicyError, NoFirstModelError
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.parallel import backtest
from edgeloop_replay.policy import Policy, grid
from edgeloop_replay.setting import setting_of
from edgeloop_replay.tables.stream_table import StreamTable
from typer.testing import CliRunner

RUNNER = CliRunner()


def turning(rows: int = 3_000, at: int = 1_500) -> StreamTable:
    """Two classes told by a line that turns once."""
    rng = np.random.default_rng(3)
    features = rng.normal(size=(rows, 4)).astype(np.float32)
    sign = np.where(np.arange(rows) < at, 1, -1)
    labels = tuple("yes" if value > 0 else "no" for value in features[:, 0] + sign * features[:, 1])
    return StreamTable(("a", "b", "c", "d"), features, (False,) * 4, "y", labels)


def written(path, table: StreamTable):
    lines = [",".join((*table.names, table.label))]
    lines += [",".join([*(f"{value:.6g}" for value in row), label]) for row, label in zip(table.features, table.labels, strict=True)]
    path.write_text("\n".join(lines) + "\n")
    return path


def played(policy: Policy, table: StreamTable | None = None, **setting: int) -> ReplayLoop:
    table = table or turning()
    values = {"warmup": 300, "delay": 0, "devices": 3, "group": 1, "seed": 0} | setting
    loop = ReplayLoop(table, values["warmup"], values["delay"], values["devices"], values["group"], values["seed"], policy)
    loop.run()
    return loop


def test_what_turns_is_noticed_fitted_and_learned() -> None:
    with_adapters, without = played(Policy()), played(Policy(adapters=False))
    assert with_adapters.ledger.accuracy.total > without.ledger.accuracy.total > with_adapters.ledger.static.total + 0.1
    assert without.adapter.published == without.adapter.bytes == 0
    assert len(without.trainer.versions) >= 2
    assert with_adapters.adapter.published > 30


def test_the_same_seed_gives_the_same_answers_and_models() -> None:
    one, other = played(Policy(), group=50), played(Policy(), group=50)
    assert one.ledger.answers == other.ledger.answers
    assert [v.event.file.digest for v in one.trainer.versions.values()] == [v.event.file.digest for v in other.trainer.versions.values()]
    assert played(Policy(), group=50, seed=1).trainer.versions[1].event.file.digest != one.trainer.versions[1].event.file.digest


def test_labels_that_come_late_are_learned_from_late() -> None:
    soon, late = played(Policy()), played(Policy(), delay=500)
    assert late.ledger.accuracy.total < soon.ledger.accuracy.total
    assert late.ledger.labelled == soon.ledger.labelled == 3_000


def test_labels_of_a_class_that_no_model_knows_are_learned() -> None:
    table = turning()
    labels = tuple("new" if row > 1_500 and float(table.features[row, 2]) > 0.5 else label for row, label in enumerate(table.labels))
    loop = played(Policy(), StreamTable(table.names, table.features, table.nullable, "y", labels))
    answered = [loop.ledger.answers[row] for row in range(2_500, 3_000)]
    assert answered.count("new") > 50


def test_a_distribution_that_returns_recalls_its_version_and_devices_fetch_nothing() -> None:
    rng = np.random.default_rng(3)
    features = rng.normal(size=(4_500, 4)).astype(np.float32)
    sign = np.where(np.arange(4_500) // 1_500 == 1, -1, 1)
    labels = tuple("yes" if value > 0 else "no" for value in features[:, 0] + sign * features[:, 1])
    table = StreamTable(("a", "b", "c", "d"), features, (False,) * 4, "y", labels)
    loop = played(Policy.parse({"training": {"archive": 8}, "adapter": {"enabled": False}}), table, warmup=750)
    events = [version.event for version in loop.trainer.versions.values()]
    again = next(event for event in events if event.recalls)
    assert again.file.digest == events[again.recalls - 1].file.digest
    assert loop.version_bytes == sum({event.file.digest: event.file.size for event in events}.values())
    without = played(Policy.parse({"training": {"archive": 0}, "adapter": {"enabled": False}}), table, warmup=750)
    assert not any(version.event.recalls for version in without.trainer.versions.values())
    assert without.ledger.accuracy.total < loop.ledger.accuracy.total + 0.002


@pytest.mark.parametrize("training", [{"family": "online_logistic_regression"}, {"challengers": ["online_logistic_regression"]}])
def test_online_models_take_part_and_give_the_same_twice(training) -> None:
    policy = Policy.parse({"training": training, "adapter": {"enabled": False}})
    one, other = played(policy), played(policy)
    versions = [version.event for version in one.trainer.versions.values()]
    assert [event.file.digest for event in versions] == [version.event.file.digest for version in other.trainer.versions.values()]
    assert one.ledger.answers == other.ledger.answers
    fits = [run for run in one.ledger.fitted.values() if run.request_id != versions[0].request_id]
    assert fits
    if "family" in training:
        assert {run.parameters["family"] for run in fits} == {"online_logistic_regression"}
        assert all(run.rows > 1_500 for run in fits)
    else:
        assert all("online_logistic_regression_accuracy" in run.metrics for run in fits)
    assert one.ledger.accuracy.total > one.ledger.static.total


def test_several_policies_run_side_by_side_and_give_what_each_gives_alone() -> None:
    policies = {"default": Policy(), "quiet": Policy.parse({"adapter": {"enabled": False}})}
    setting = setting_of(turning(), "turning", devices=2, group=50)
    told: list[str] = []
    together = backtest(setting, policies, 2, lambda name, rows: told.append(name))
    alone = backtest(setting, {"quiet": policies["quiet"]}, 1, lambda name, rows: None)
    assert together["quiet"].report | {"seconds": 0} == alone["quiet"].report | {"seconds": 0}
    assert set(told) == {"default", "quiet"}


def test_a_policy_names_what_it_changes_and_keeps_the_rest() -> None:
    policy = Policy.parse(
        {
            "detection": {"detector": "DDM"},
            "retraining": {"stages": [100, 300], "budget": 0},
            "training": {"family": "logistic_regression"},
            "gate": {"minimum": 8},
            "adapter": {"memories": [[500, 3]], "weight_rate": 1},
        }
    )
    assert policy.detection.errors.name == "DDM"
    assert (policy.retraining.stages, policy.retraining.window) == ((100, 300), Policy().retraining.window)
    assert policy.training.family == "logistic_regression"
    assert policy.adapter.horizon == 500 and policy.adapter.weight_rate == 1.0
    assert Policy.parse(None) == Policy()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ([], "the policy: expected names with values"),
        ({"retrain": {}}, "retrain: there is no such section"),
        ({"retraining": {"stage": [1]}}, "retraining.stage: there is no such field"),
        ({"retraining": {"stages": "soon"}}, "retraining.stages: expected a valid list, given 'soon'"),
        ({"retraining": {"stages": [300, 100]}}, "retraining: stages and quiet"),
        ({"retraining": {"quiet_doubling": 1}}, "retraining.quiet_doubling: expected a valid boolean, given 1"),
        ({"detection": {"detector": "GUESS"}}, "detection: no detector is called 'GUESS'"),
        ({"training": {"family": "oracle"}}, "training.family: expected 'extra_trees', 'random_forest'"),
        ({"adapter": {"enabled": "no"}}, "adapter.enabled: expected a valid boolean, given 'no'"),
        ({"adapter": {"memories": [[5, 9]]}}, "adapter: memories must hold"),
    ],
)
def test_a_policy_that_is_none_is_told_by_field(content, told) -> None:
    with pytest.raises(BadPolicyError, match=told):
        Policy.parse(content)


def test_a_grid_gives_a_policy_for_each_combination() -> None:
    made = grid({"adapter": {"enabled": False}, "grid": {"retraining.gate": [100, 200], "training.trees": [10, 25]}})
    assert list(made)[1] == "retraining.gate=100 training.trees=25"
    assert Policy.parse(made["retraining.gate=200 training.trees=10"]).training.trees == 10
    with pytest.raises(BadPolicyError, match=r"expected section.field with a list"):
        grid({"grid": {"retraining": [1]}})


def test_policies_are_read_from_files_and_told_by_file(tmp_path) -> None:
    good = tmp_path / "brisk.yaml"
    good.write_text("retraining:\n  stages: [100]\n")
    assert list(read_policies([good])) == ["brisk"]
    assert list(read_policies([])) == ["default"]
    bad = tmp_path / "bad.yaml"
    bad.write_text("retraining: [")
    for path, told in ((bad, "expected YAML"), (tmp_path / "none.yaml", "No such file"), (good, "two policies have the name 'brisk'")):
        with pytest.raises(RefusedError, match=told):
            read_policies([good, path])


def test_the_report_has_the_fields_of_a_run_and_more(tmp_path) -> None:
    data, out = written(tmp_path / "turning.csv", turning()), tmp_path / "out.json"
    (tmp_path / "turning.truth.json").write_text(json.dumps({"change_points": [1_500]}))
    result = RUNNER.invoke(build(), ["backtest", "--stream", str(data), "--label", "y", "--report", str(out), "--plot", str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert "accuracy" in result.output
    report = json.loads(out.read_text())["policies"]["default"]
    run_fields = {"rows", "devices", "accuracy", "accuracy_static", "fits", "versions", "signals", "events", "seconds"}
    assert run_fields <= set(report)
    assert report["rows"] == 2_700 and report["accuracy"] > report["accuracy_static"]
    assert report["drift"]["missed"] == 0 and 0 < report["drift"]["delay_p50"] < 500
    assert report["bytes_per_device"]["adapters"] > 0
    assert (tmp_path / "backtest.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ([], "expected either --stream FILE or --topic NAME"),
        (["--stream", "DATA"], "--label COLUMN is missing"),
        (["--stream", "nowhere.csv", "--label", "y"], "nowhere.csv: No such file"),
        (["--stream", "DATA", "--label", "z"], "no column is called 'z'"),
        (["--stream", "DATA", "--label", "y", "--warmup", "1.0"], "would be warm-up"),
        (["--stream", "DATA", "--label", "y", "--policy", "nowhere.yaml"], "nowhere.yaml: No such file"),
        (["--topic", "observations", "--name", "s"], "labelled rows are in examples"),
        (["--topic", "examples"], "--name STREAM is missing"),
        (["--topic", "examples", "--name", "s", "--offsets", "0:9:3"], "expected PARTITION:FIRST:END"),
    ],
)
def test_what_cannot_be_done_is_told_in_a_line(options, told, tmp_path) -> None:
    data = str(written(tmp_path / "turning.csv", turning(100)))
    result = RUNNER.invoke(build(), ["backtest", *(data if option == "DATA" else option for option in options)])
    assert result.exit_code == 2
    assert told in result.output
    assert "Traceback" not in result.output


def test_without_a_first_model_it_says_why() -> None:
    table = turning(400, 10_000)
    table.features[7, 1] = np.inf
    with pytest.raises(NoFirstModelError, match=r"training on the 300 warm-up rows failed: .*infinity"):
        played(Policy(), table)


def test_known_changes_are_taken_from_either_form() -> None:
    assert known_changes({"change_points": [5, 900]}, 100) == [5]
    assert known_changes({"published_change_point": [7], "measured_class_mix_breaks": [3]}, 100) == [3, 7]

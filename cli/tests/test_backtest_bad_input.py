"""Backtests of streams that are hard to play; docs/bad-input.md has the table."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeloop_cli.main import build
from edgeloop_contracts import ObservationBatch, topics
from edgeloop_kafka import body
from edgeloop_mixture.graph import PROBABILITIES, bounded, checked
from edgeloop_mixture.runtime import onnxruntime
from edgeloop_registry.core.definitions import MAX_FEATURES
from edgeloop_replay.errors import BadTableError
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.policy import Policy
from edgeloop_replay.schedule import batch_rows, groups
from edgeloop_replay.tables.csv_file import read_table
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.stream_table import StreamTable, check_definition, check_playable, definition, parse
from typer.testing import CliRunner

RUNNER = CliRunner()
COVTYPE = Path(__file__).resolve().parents[2] / "examples/data/covtype_areas_dev.csv.gz"
WARMUP = 200


def plain(rows: int = 1_000) -> StreamTable:
    """Two classes that one feature tells."""
    features = np.random.default_rng(3).normal(size=(rows, 3)).astype(np.float32)
    labels = tuple("yes" if value > 0 else "no" for value in features[:, 0])
    return StreamTable(("a", "b", "c"), features, (False,) * 3, "y", labels)


def text_of(table: StreamTable) -> str:
    lines = [",".join((*table.names, table.label))]
    lines += [",".join([*map(repr, row), label]) for row, label in zip(table.features.tolist(), table.labels, strict=True)]
    return "\n".join(lines) + "\n"


def told(tmp_path: Path, text: str, *options: str) -> str:
    """The line with which a backtest of this file is refused."""
    data = tmp_path / "bad.csv"
    data.write_text(text)
    result = RUNNER.invoke(build(), ["backtest", "--stream", str(data), "--label", "y", *options])
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    (line,) = [line for line in result.output.splitlines() if line.startswith("edgeloop: ")]
    return line


def played(table: StreamTable, warmup: int = WARMUP, policy: Policy | None = None, **setting: int) -> ReplayLoop:
    values = {"delay": 0, "devices": 4, "group": 1} | setting
    loop = ReplayLoop(table, warmup, values["delay"], values["devices"], values["group"], 0, policy or Policy())
    loop.run()
    return loop


def test_a_million_features_are_refused_by_the_header_and_no_row_is_read() -> None:
    def lines() -> Iterator[str]:
        yield ",".join(f"f{i}" for i in range(1_000_000)) + ",y\n"
        raise AssertionError("a row was read")

    with pytest.raises(BadTableError, match="header: 1,000,001 columns; a stream has at most 4,096 features"):
        parse(lines(), CsvOptions(label="y"))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: replace(t, labels=tuple(f"c{row}" for row in range(len(t)))), ["'y': 5,000 different labels", "4,096 classes"]),
        (
            lambda t: replace(t, labels=tuple("x" * 5_000 if label == "no" else label for label in t.labels)),
            ["class", "4,825 more characters"],
        ),
        (lambda t: replace(t, labels=tuple("\a" if label == "no" else label for label in t.labels)), ["class", "printable"]),
        (lambda t: replace(t, names=("a", "b" * 201, "c")), ["feature", "24 more characters"]),
        (lambda t: replace(t, labels=tuple(f"{row % 4_000:0200}" for row in range(len(t)))), ["names", "800,003 bytes", "524,288"]),
        (lambda t: replace(t, features=np.full_like(t.features, 7)), ["rows 1 to 500", "no feature changes"]),
        (lambda t: replace(t, features=np.full_like(t.features, np.nan)), ["rows 1 to 500", "no feature changes"]),
    ],
)
def test_a_stream_that_the_registry_would_not_take_or_that_teaches_nothing_is_refused(
    tmp_path: Path, change: Callable[[StreamTable], StreamTable], words: list[str]
) -> None:
    line = told(tmp_path, text_of(change(plain(5_000))))
    assert all(word in line for word in words), line
    assert len(line) < 400


def test_the_widest_rows_and_the_largest_definition_fit_into_the_records_that_a_run_sends() -> None:
    rows, names = batch_rows(MAX_FEATURES), tuple(f"{number:0120}" for number in range(MAX_FEATURES))
    assert (batch_rows(1), batch_rows(512), rows) == (256, 256, 32)
    table = StreamTable(names, np.zeros((2, MAX_FEATURES), np.float32), (True,) * MAX_FEATURES, "y", ("a", "b"))
    check_definition(table)
    assert len(body(definition("default", "stream", table))) < topics.MODEL_COMMANDS.max_bytes
    batch = ObservationBatch(
        tenant="default", stream="", device_id="", boot_epoch=0, first_seq=-1, count=rows, features=bytes(rows * MAX_FEATURES * 4)
    )
    assert len(body(batch)) < topics.OBSERVATIONS_RAW.max_bytes


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--report", "FILE/out.json"], ["--report", "File exists"]),
        (["--report", "FOLDER"], ["--report", "is a folder"]),
        (["--plot", "FILE"], ["--plot", "File exists"]),
        (["--warmup", "0"], ["0 would be warm-up"]),
        (["--rows", "1"], ["of 1 rows"]),
        (["--truth", "FILE"], ["expected a JSON file with change_points"]),
    ],
)
def test_what_cannot_be_done_is_told_before_anything_runs(tmp_path: Path, options: list[str], words: list[str]) -> None:
    file = tmp_path / "file"
    file.write_text("no JSON")
    given = [option.replace("FILE", str(file)).replace("FOLDER", str(tmp_path)) for option in options]
    line = told(tmp_path, text_of(plain(100)), *given)
    assert all(word in line for word in words), line


@pytest.mark.skipif(os.geteuid() == 0, reason="everything may be written by root")
def test_a_folder_that_may_not_be_written_is_told_before_anything_runs(tmp_path: Path) -> None:
    shut = tmp_path / "shut"
    shut.mkdir(mode=0o500)
    assert "nothing can be written there" in told(tmp_path, text_of(plain(100)), "--report", str(shut / "out.json"))


@pytest.mark.parametrize("option", [("--warmup", "nan"), ("--label-delay", "-1"), ("--seed", str(2**32)), ("--devices", "0")])
def test_a_number_out_of_range_is_told_with_its_option(tmp_path: Path, option: tuple[str, str]) -> None:
    result = RUNNER.invoke(build(), ["backtest", "--stream", str(tmp_path), "--label", "y", *option])
    assert result.exit_code == 2
    assert f"Invalid value for '{option[0]}'" in result.output


def test_ten_rows_of_warm_up_are_enough_to_begin_with() -> None:
    loop = played(plain(), warmup=10)
    assert loop.ledger.accuracy.total > loop.ledger.static.total
    assert loop.ledger.accuracy.total > 0.9


def test_a_warm_up_of_one_class_begins_with_a_constant_answer_and_learns_the_other() -> None:
    table = plain()
    order = np.argsort([label == "yes" or row >= 700 for row, label in enumerate(table.labels)], kind="stable")
    ordered = replace(table, features=table.features[order], labels=tuple(table.labels[row] for row in order))
    assert set(ordered.labels[:WARMUP]) == {"no"}
    loop = played(ordered)
    assert loop.ledger.accuracy.total > loop.ledger.static.total + 0.2
    assert loop.ledger.accuracy.total > 0.75


def test_labels_that_contradict_each_other_from_the_first_row_on_are_answered_no_worse_than_by_chance() -> None:
    table = plain(1_000)
    features, labels = np.repeat(table.features[:500], 2, axis=0), ("yes", "no") * 500
    assert abs(played(replace(table, features=features, labels=labels), group=50).ledger.accuracy.total - 0.5) < 0.05


def test_labels_that_begin_to_contradict_each_other_cost_nothing_beyond_themselves() -> None:
    table = plain(1_200)
    later = np.resize([True, False], 600)
    labels = tuple(label if row < 600 or later[row - 600] else {"yes": "no", "no": "yes"}[label] for row, label in enumerate(table.labels))
    loop = played(replace(table, labels=labels))
    right = np.array([loop.ledger.answers[row] == labels[row] for row in range(WARMUP, 1_200)])
    assert right[:400].mean() > 0.9
    assert abs(right[400:].mean() - 0.5) < 0.1
    assert loop.ledger.accuracy.total > loop.ledger.static.total - 0.05


def test_rows_without_any_value_are_answered_and_learned_and_spoil_nothing() -> None:
    table = plain()
    features = table.features.copy()
    features[5::7] = np.nan
    loop = played(replace(table, features=features, nullable=(True,) * 3))
    right = {row: loop.ledger.answers[row] == table.labels[row] for row in range(WARMUP, len(table))}
    assert np.mean([good for row, good in right.items() if row % 7 != 5]) > 0.95


def test_a_constant_feature_and_one_that_is_always_missing_do_not_count() -> None:
    table = plain()
    features = table.features.copy()
    features[:, 1], features[:, 2] = 7, np.nan
    assert played(replace(table, features=features)).ledger.accuracy.total > 0.95


def test_the_largest_and_smallest_numbers_of_float32_are_numbers(recwarn: pytest.WarningsRecorder) -> None:
    table = plain()
    features = table.features.copy()
    features[300] = 3e38, -3e38, 3e38
    features[301] = 1e-45, -1e-45, 0
    features[:WARMUP, 2] = np.resize([0, 1e-44], WARMUP)
    loop = played(replace(table, features=features))
    assert loop.ledger.accuracy.total > 0.95
    assert not [str(warning.message) for warning in recwarn if issubclass(warning.category, RuntimeWarning)]
    frame, adapter, _ = loop.adapter.newest()
    parts = (frame.scaling.means, frame.scaling.gains, frame.scaling.scales, adapter.weights, adapter.bias, adapter.coefficients)
    assert all(np.isfinite(part).all() for part in parts)


@pytest.mark.parametrize("family", ["logistic_regression", "mlp"])
def test_a_row_to_which_a_model_gives_no_number_is_answered_by_the_others_and_spoils_nothing(family: str) -> None:
    table = plain()
    features = table.features * np.float32(0.1)
    features[300] = 3e38, -3e38, 3e38
    loop = played(replace(table, features=features), policy=Policy.parse({"training": {"family": family}}))
    session = onnxruntime.InferenceSession(loop.trainer.versions[1].model.onnx, providers=["CPUExecutionProvider"])
    assert np.isnan(session.run(["probabilities"], {"input": features[300:301]})[0]).all()
    assert loop.ledger.accuracy.total > 0.95
    _, adapter, _ = loop.adapter.newest()
    assert np.isfinite(adapter.weights).all()


@pytest.mark.parametrize("family", ["extra_trees", "random_forest"])
def test_forests_always_give_numbers_and_pay_for_no_guard(family: str) -> None:
    loop = played(plain(220), policy=Policy.parse({"training": {"family": family}}))
    assert bounded(checked(loop.trainer.versions[1].model.onnx, 3, PROBABILITIES))


def test_more_classes_than_a_mixture_holds_are_played_without_one_as_the_services_do() -> None:
    rng = np.random.default_rng(5)
    numbers = np.tile(np.arange(257), 6)
    rng.shuffle(numbers)
    features = (numbers[:, None] + rng.normal(size=(len(numbers), 2)) * 0.01).astype(np.float32)
    loop = played(StreamTable(("a", "b"), features, (False,) * 2, "y", tuple(f"c{number}" for number in numbers)), warmup=1_000)
    assert loop.adapter.published == 0
    assert loop.ledger.accuracy.total > 0.8


def test_a_mixture_begins_with_the_newest_rows_of_a_long_warm_up_as_in_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgeloop_replay.adapter.BACKLOG", 150)
    loop = played(plain(400))
    frame, adapter, _ = loop.adapter.newest()
    assert frame.number == WARMUP
    assert adapter.number - adapter.memory_end == WARMUP - 150


@pytest.mark.parametrize("setting", [{"delay": 10**9}, {"devices": 5_000}, {"group": 10**9}])
def test_numbers_larger_than_the_stream_are_as_good_as_its_length(setting: dict[str, int]) -> None:
    loop = played(plain(400), **setting)
    assert loop.ledger.accuracy.rows == 200
    assert loop.ledger.labelled == 400


def test_classes_may_have_any_printable_name(tmp_path: Path) -> None:
    names = {"yes": "é𝄞 ü/=;", "no": 'a,"b"'}
    data = tmp_path / "odd.csv"
    quoted = {old: '"' + new.replace('"', '""') + '"' for old, new in names.items()}
    data.write_text(text_of(replace(plain(400), labels=tuple(quoted[label] for label in plain(400).labels))), encoding="utf-8")
    table = read_table(data, CsvOptions(label="y"))
    assert set(table.classes) == set(names.values())
    check_playable(table, WARMUP)
    assert set(played(table).ledger.answers.values()) == set(names.values())


def poisoned(table: StreamTable, warmup: int, devices: int, group: int, bad: set[int], flipped: float) -> StreamTable:
    """The table with labels as poisoned devices tell them: a share of theirs is another class, always the same one for a class."""
    rng = np.random.default_rng(1)
    other = dict(zip(table.classes, (*table.classes[1:], table.classes[0]), strict=True))
    labels = list(table.labels)
    for each in groups(warmup, len(table), devices, group):
        if each.device in bad:
            for row in range(each.first, each.end):
                labels[row] = other[labels[row]] if rng.random() < flipped else labels[row]
    return replace(table, labels=tuple(labels))


def test_a_tenth_of_the_devices_that_flips_a_third_of_its_labels_costs_at_most_a_point() -> None:
    table, warmup, devices, group = read_table(COVTYPE, CsvOptions(label="y")).first(12_000), 1_200, 10, 50
    told_wrongly = poisoned(table, warmup, devices, group, {3}, 0.3)
    assert 0.025 < np.mean([one != other for one, other in zip(table.labels[warmup:], told_wrongly.labels[warmup:], strict=True)]) < 0.035
    clean, poison = (played(each, warmup, devices=devices, group=group) for each in (table, told_wrongly))
    # What counts is what is true, not what the poisoned devices say.
    right = [np.mean([loop.ledger.answers[row] == table.labels[row] for row in range(warmup, len(table))]) for loop in (clean, poison)]
    assert right[0] > 0.8
    assert right[1] > right[0] - 0.01

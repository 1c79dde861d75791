"""A user's own CSV: times, texts, identifiers, missing values and labels as they come."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from edgeloop_cli.main import build
from edgeloop_registry.io.graph import check_graph
from edgeloop_replay.errors import BadTableError
from edgeloop_replay.loop import ReplayLoop
from edgeloop_replay.policy import Policy
from edgeloop_replay.tables.csv_options import CsvOptions
from edgeloop_replay.tables.stream_table import AT_ONCE, StreamTable, check_definition, definition, described, parse
from typer.testing import CliRunner

RUNNER = CliRunner()
ROWS = 600


def table(text: str, label: str = "state", **reading: object) -> StreamTable:
    return parse(text.splitlines(keepends=True), CsvOptions(label=label, **reading))  # pyright: ignore[reportArgumentType]


def refused(text: str, label: str = "state", **reading: object) -> str:
    with pytest.raises(BadTableError) as problem:
        table(text, label, **reading)
    return str(problem.value)


def column(values: list[str], *, rows: int = ROWS) -> str:
    """A file with this column, repeated as often as it takes, besides a number and a label."""
    return "x,t,state\n" + "".join(f"{values[row % len(values)]},{row % 7},{'on' if row % 3 else 'off'}\n" for row in range(rows))


def machines(rows: int = ROWS) -> str:
    """A normal file: a time, an identifier, a text that repeats, numbers with holes, and a label."""
    rng = np.random.default_rng(1)
    lines = ["at,reading,site,heat,load,state\n"]
    for row in range(rows):
        site = ("north", "south", "east", "harbour")[rng.integers(4)]
        heat, load = rng.normal(20, 5), "NA" if row % 50 == 7 else f"{rng.normal():.3f}"
        state = "alarm" if (site in ("south", "harbour")) != (rng.random() < 0.02) else "fine"
        at = f"2024-03-01T{row // 60 % 24:02}:{row % 60:02}:00Z"
        lines.append(f"{at},r-{row:05},{site},{heat:.2f},{load},{'' if row % 40 == 3 else state}\n")
    return "".join(lines)


def test_all_columns_that_cannot_be_taken_are_told_at_once_with_the_options_that_help() -> None:
    message = refused(machines())
    first, *lines = message.splitlines()
    assert first == "2 columns cannot be taken as they are:"
    assert "row 1, column 'at'" in lines[0]
    assert "--time at" in lines[0]
    assert "column 'reading': 600 different texts in 600 rows, such as 'r-00000'" in lines[1]
    assert lines[-1].strip() == "most likely you want: --time at --drop reading"


def test_with_these_options_the_file_is_taken() -> None:
    found = table(machines(), time="at", drop=("reading",))
    assert found.names == ("site", "heat", "load")
    assert found.counts == (4, 0, 0)
    assert found.times is not None
    assert found.times[:2].tolist() == [1709251200000, 1709251260000]
    assert found.labels[3] == ""
    assert np.isnan(found.features[7, 2])
    first = [line.split(",") for line in machines().splitlines()[1:10]]
    assert [found.categories[0][int(code)] for code in found.features[:9, 0]] == [cells[2] for cells in first]
    features = definition("default", "s", found).features
    assert features[0].categories == found.categories[0]
    assert (features[1].categories, features[0].nullable) == ((), False)


def test_what_became_of_each_column_is_in_the_report_and_on_the_screen(tmp_path: Path) -> None:
    data, out = tmp_path / "machines.csv", tmp_path / "out.json"
    data.write_text(machines())
    options = ["backtest", "--stream", str(data), "--label", "state", "--time", "at", "--drop", "reading", "--report", str(out)]
    result = RUNNER.invoke(build(), options)
    assert result.exit_code == 0, result.output
    report = json.loads(out.read_text(encoding="utf-8"))
    taken = {each["name"]: each for each in report["columns"]}
    assert {name: each["taken_as"] for name, each in taken.items()} == {
        "at": "time",
        "reading": "left out",
        "site": "category",
        "heat": "number",
        "load": "number",
        "state": "label",
    }
    assert (taken["load"]["missing"], taken["site"]["categories"]) == (12, 4)
    assert "15 rows have no label (empty)" in taken["state"]["notes"][0]
    played = report["policies"]["default"]
    assert (played["rows"], played["unlabelled"], played["labels"]) == (540, 13, 585)
    assert played["accuracy"] > 0.9
    for word in ("event time, ISO 8601", "left out", "category, 4 of them", "label, 2 classes", "they are played, and not counted"):
        assert word in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (["2024_03_01", "2024_03_02"], ["row 1, column 'x'", "given the time '2024_03_01'", "--time x"]),
        (["01.03.2024", "02.03.2024"], ["expected a time such as 2024-03-01T12:30:00Z", "--drop x"]),
        (["9_908", "9_816", "10_016"], ["row 1, column 'x': expected a number, given '9_908'", "digits, a point and no more"]),
        (["9,5", "8,25"], ["2 cells where the header"]),
        (['"9,5"', '"8,25"'], ["expected a number, given '9,5'"]),
        (["12 %", "8 %"], ["expected a number, given '12 %'"]),
        (["1", "2", "3", "err"], ["row 4, column 'x': expected a number or nothing, given 'err'", "--missing err", "--category x"]),
        (["\u0663", "\u0664"], []),
        (["1", "1e60"], ["row 2", "'1e60'", "within float32"]),
        (["x" * 201, "b"], ["a text of 201 characters is no category"]),
        ([f"id-{row}" for row in range(400)], ["400 different texts in 600 rows"]),
    ],
)
def test_a_column_that_is_neither_a_number_nor_a_category_is_told(cells: list[str], words: list[str]) -> None:
    text = column(cells)
    if words and words[0].startswith("2 cells"):
        assert "4 cells where the header has 3" in refused(text)
    elif not words:  # digits of another script are texts, as they are no number to anybody else
        assert table(text).counts == (2, 0)
    else:
        message = refused(text)
        assert all(word in message for word in words), message
        assert "\n" not in message


def test_categories_come_by_how_often_they_are_and_the_rarest_of_very_many_are_unknown() -> None:
    names = [name for number in range(1_500) for name in [f"n{number:04}"] * (3 if number < 700 else 2)]
    found = table(column(names, rows=len(names)))
    assert (found.counts[0], found.categories[0][0], found.categories[0][699]) == (1_024, "n0000", "n0699")
    assert (found.features[:, 0] == -1).sum() == 2 * (1_500 - 1_024)
    assert "476 rare texts of 1,500 count as one unknown category" in described(found)[0]["notes"][0]


def test_a_column_may_be_taken_as_names_whatever_it_looks_like() -> None:
    assert table(column(["1", "2", "17"]), category=("x",)).categories[0] == ("1", "17", "2")
    assert table(column(["1", "2", "3", "err"]), missing=("err",)).features[3, 0] != table(column(["1"])).features[3, 0]
    mixed = table(column(["A1", "17", "B2"]))
    assert mixed.counts == (3, 0)


def test_what_a_column_is_may_be_told_late_and_its_texts_far_below() -> None:
    cells = [""] * (AT_ONCE + 10) + ["red", "green"] * 2_000
    found = table(column(cells, rows=len(cells)))
    assert (found.counts, int(np.isnan(found.features[:, 0]).sum())) == ((2, 0), AT_ONCE + 10)


@pytest.mark.parametrize("text", ["", "nan", "NaN", "NA", "n/a", "null", "<NA>"])
def test_texts_that_mean_nothing_are_missing_in_numbers_texts_and_labels(text: str) -> None:
    found = table(f"a,b,state\n1,red,on\n2,red,off\n{text},{text},{text}\n")
    assert np.isnan(found.features[2]).all()
    assert (found.labels[2], found.classes, found.categories[1]) == ("", ("off", "on"), ("red",))


def test_what_is_missing_may_be_said() -> None:
    found = table("a,state\n1,NA\n-999,off\n3,NA\n?,off\n-999.0,NA\n", missing=("-999", "?"))
    assert found.classes == ("NA", "off")
    assert np.isnan(found.features[:, 0]).tolist() == [False, True, False, True, True]


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        (["0", "0.0", "1", "1.0"], ["'0' (150 rows) and '0.0' (150 rows) are one label written in 2 ways", "--task regression"]),
        (["True", "true", "False"], ["'True' (200 rows) and 'true' (200 rows)"]),
    ],
)
def test_a_label_written_in_two_ways_is_refused(labels: list[str], words: list[str]) -> None:
    text = "a,state\n" + "".join(f"{row},{labels[row % len(labels)]}\n" for row in range(ROWS))
    message = refused(text)
    assert all(word in message for word in words), message
    if labels[0] == "0":
        assert set(table(text, numbers=True).labels) == set(labels)


@pytest.mark.parametrize(
    ("labels", "told"),
    [
        ([f"{row / 7:.3f}" for row in range(300)], "300 different numbers are taken as so many classes"),
        ([str(row) for row in range(10)], ""),
        ([f"class {row}" for row in range(50)], ""),
        (["A", "a"], "'A' and 'a' differ in upper and lower case only"),
    ],
)
def test_a_label_that_looks_like_a_number_is_told(labels: list[str], told: str) -> None:
    found = table("a,state\n" + "".join(f"{row % 9},{labels[row % len(labels)]}\n" for row in range(ROWS)))
    notes = described(found)[1].get("notes", [])
    assert [told in note for note in notes] == [True] * bool(told)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ([str(1709251200000 + 1000 * row) for row in range(ROWS)], ["cannot hold", "5 of 600", "in ms", "--time x"]),
        ([str(9007199254740993 + row) for row in range(ROWS)], ["cannot hold", "--drop x"]),
        ([str(1709251200 + 3600 * row) for row in range(ROWS)], ["rises with every row", "--time x"]),
        ([str(row) for row in range(ROWS)], ["rises with every row", "--drop x"]),
        ([f"{np.sin(row):.4f}" for row in range(ROWS)], []),
    ],
)
def test_numbers_that_float32_cannot_hold_apart_or_that_only_count_are_told(cells: list[str], words: list[str]) -> None:
    notes = " ".join(described(table(column(cells)))[0].get("notes", []))
    assert all(word in notes for word in words), notes
    assert bool(notes) == bool(words)


@pytest.mark.parametrize(
    ("cells", "form"),
    [
        (["2024-03-01T00:00:01Z", "2024-03-01 02:00:02+02:00"], "ISO 8601"),
        (["2024-03-01T00:00:01", "20240301T000002"], "ISO 8601, taken as UTC where no zone is named"),
        (["1709251201", "1709251202"], "s since 1970"),
        (["1709251201.0", "1709251202.00"], "s since 1970"),
        (["1709251201000", "1709251202000"], "ms since 1970"),
        (["1709251201000000", "1709251202000000"], "µs since 1970"),
        (["1709251201000000000", "1709251202000000000"], "ns since 1970"),
    ],
)
def test_event_times_come_in_any_iso_form_or_as_numbers_since_1970(cells: list[str], form: str) -> None:
    found = table(f"x,t,state\n{cells[0]},1,on\n{cells[1]},2,off\n,3,on\n", time="x")
    assert found.names == ("t",)
    assert found.times is not None
    assert found.times.tolist() == [1709251201000, 1709251202000, 0]
    assert described(found)[0]["notes"] == [form]


def test_a_time_that_is_none_is_told_and_rows_out_of_order_too() -> None:
    assert "row 2, column 'x': expected a time in ISO 8601" in refused("x,t,state\n2024-03-01,1,on\nsoon,2,off\n", time="x")
    assert "row 2" in refused("x,t,state\n1709251200,1,on\n2024-03-01,2,off\n", time="x")
    back = table("x,t,state\n2024-03-02,1,on\n2024-03-01,2,off\n", time="x")
    assert "1 rows are earlier than the row before" in described(back)[0]["notes"][1]


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        ({"time": "when"}, ["no column is called 'when', --time", "x, t, state"]),
        ({"drop": ("a", "b")}, ["'a', --drop", "'b', --drop"]),
        ({"drop": ("state",)}, ["'state' cannot be the label and --drop"]),
        ({"drop": ("x", "t")}, ["no feature"]),
    ],
)
def test_options_that_name_no_column_or_one_twice_are_told(reading: dict[str, object], words: list[str]) -> None:
    message = refused(column(["1", "2"]), **reading)
    assert all(word in message for word in words), message


def test_a_file_that_is_separated_by_something_else_is_told() -> None:
    assert "here it seems by ';'" in refused("a;b;state\n1;2;on\n")


def test_texts_that_do_not_fit_into_a_definition_are_told_with_their_column() -> None:
    long = table(
        "x,z,state\n" + "".join(f"{number % 900:0190},{'z' * 190}{number % 700:03},on\nq,q,off\n" for number in range(7_200)),
        category=("x",),
    )
    wide = replace(long, names=("x", "y", "z", "v"), categories=(long.categories[0],) * 3 + (long.categories[1],), nullable=(False,) * 4)
    with pytest.raises(BadTableError, match="at most 524,288 fit into a definition; --drop x leaves out the longest"):
        check_definition(wide)


def test_several_columns_may_be_named_at_once_with_commas() -> None:
    assert table("a,b,c,state\n1,2,3,on\n1,2,4,off\n", drop=("a,b",)).names == ("c",)
    assert table('"a,b",c,state\n1,3,on\n1,4,off\n', drop=("a,b",)).names == ("c",)


@pytest.mark.parametrize("family", ["extra_trees", "gradient_boosting", "logistic_regression", "mlp", "online_logistic_regression"])
def test_models_of_categories_are_such_as_the_registry_takes(family: str) -> None:
    found = table(machines(400), time="at", drop=("reading",))
    loop = ReplayLoop(found, 200, 0, 2, 10, 0, Policy.parse({"training": {"family": family}}))
    loop.run()
    check_graph(loop.trainer.versions[1].model.onnx, features=3, classes=2)
    assert loop.ledger.accuracy.total > 0.85


def test_columns_are_named_with_the_file_only(tmp_path: Path) -> None:
    result = RUNNER.invoke(build(), ["backtest", "--topic", "examples", "--name", "s", "--time", "at"])
    assert result.exit_code == 2
    assert "--time needs --stream" in result.output

"""Ratios, regressions and tables, free of any measuring."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.figures import Figure, History, Kind, Run, figure
from benchmarks.rounds import Sample, interleaved
from benchmarks.table import BEGIN, END, markdown, write


def one(name: str, value: float, **more: object) -> Figure:
    return figure(name, Sample((value,)), "MB", Kind.RESOURCE, **{"lower_is_better": True, **more})


def run(*figures: Figure, load: float = 0.1) -> Run:
    return Run("2026-01-01 00:00", {"cores": 2, "load": load}, figures)


def test_a_ratio_is_taken_round_by_round() -> None:
    assert Sample((2.0, 9.0, 8.0)).over(Sample((1.0, 3.0, 2.0))).median == 3.0


def test_every_other_round_goes_backwards() -> None:
    called: list[str] = []
    interleaved({name: lambda name=name: called.append(name) or 1.0 for name in "ab"}, rounds=2)
    assert called == list("abba")


@pytest.mark.parametrize(
    ("before", "now", "more", "worse"),
    [
        (100, 121, {}, True),
        (100, 119, {}, False),
        (100, 50, {}, False),
        (100, 79, {"lower_is_better": False}, True),
        (100, 500, {"lower_is_better": False}, False),
    ],
)
def test_worse_by_more_than_a_fifth_is_a_regression(before: float, now: float, more: dict, worse: bool) -> None:
    assert one("services/x", now, **more).worse_than(one("services/x", before, **more)) is worse


def test_a_rate_by_the_clock_is_never_called_a_regression() -> None:
    slow, fast = (figure("codec/x", Sample((value,)), "rows/s", Kind.RATE) for value in (1.0, 100.0))
    assert not slow.worse_than(fast)


def test_runs_survive_the_file(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    history = History([run(one("services/x", 0.63549789, aim=400.0, note="PSS"), one("codec/y", 0.0))])
    history.save(path)
    (again,) = History.load(path).runs
    assert again.figures[0] == one("services/x", 0.635498, aim=400.0, note="PSS"), "three digits of it are .635, not .636"
    assert again.figures[1].value == 0.0


def test_a_figure_is_compared_with_the_run_before_that_had_it() -> None:
    history = History([run(one("services/x", 10)), run(one("codec/y", 1)), run(one("services/x", 20))])
    compared = {now.name: (now.value, before.value if before else None) for _, now, before in history.compared()}
    assert compared == {"codec/y": (1, None), "services/x": (20, 10)}


def test_a_figure_that_its_benchmark_gives_no_more_is_left_out() -> None:
    history = History([run(one("services/old", 10), one("services/x", 1)), run(one("services/x", 1))])
    assert [now.name for _, now, _ in history.compared()] == ["services/x"]


def test_a_run_on_a_busy_machine_is_shown_but_no_measure_for_the_next() -> None:
    history = History([run(one("services/x", 10)), run(one("services/x", 30), load=5)])
    assert "busy" in markdown(history)
    history.runs.append(run(one("services/x", 11)))
    assert [(now.value, before.value if before else None) for _, now, before in history.compared()] == [(11, 10)]


def test_the_table_marks_what_got_worse_and_what_missed_its_aim(tmp_path: Path) -> None:
    history = History([run(one("services/x: image", 300, aim=400.0)), run(one("services/x: image", 500, aim=400.0))])
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write(history, path)
    text = path.read_text(encoding="utf-8")
    assert "**1.67 worse**" in text
    assert "≤ 400 MB **missed**" in text
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "old" not in text
    assert markdown(history) in text


def test_a_run_is_read_again_as_it_was_written(tmp_path: Path) -> None:
    run = Run("2026-01-01 00:00", {}, (figure("quality/accuracy/default/pumps", Sample((0.5,)), "", Kind.RESOURCE),))
    History([run]).save(tmp_path / "results.json")
    assert History.load(tmp_path / "results.json").runs == [run]

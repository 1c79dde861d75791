"""The quality benchmark works, on a few rows; and its tables are lines and columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import quality
from benchmarks.figures import Figure, History, Kind, Run, figure
from benchmarks.loop_quality import ours, peers
from benchmarks.loop_quality.picture import draw
from benchmarks.loop_quality.played import Played
from benchmarks.loop_quality.streams import made, real
from benchmarks.rounds import Sample
from benchmarks.table import markdown


def test_every_learner_is_played_on_the_first_rows_of_a_real_and_a_made_stream() -> None:
    figures = {one.name: one for one in quality.run(quick=True)}
    for learner in (ours.STATIC, *ours.VARIANTS, *peers.LEARNERS):
        for stream in ("covtype_areas_dev", "made: recurring"):
            assert 0 <= figures[f"quality/accuracy/{learner}/{stream}"].value <= 1
    assert figures["quality/fits/without fits/made: recurring"].value == 0
    assert figures["quality/KiB of adapters to a device/without adapters/made: recurring"].value == 0
    assert "first 100 rows" in figures["quality/accuracy/ARF (10)/made: recurring"].note


def test_made_streams_are_the_same_every_time() -> None:
    for one, other in zip(made(500), made(500), strict=True):
        np.testing.assert_array_equal(one.table.features, other.table.features)
        assert one.table.labels == other.table.labels


def test_a_peer_stops_when_its_time_is_over() -> None:
    (stream, *_) = made(400)
    assert len(peers.play(stream, "HoeffdingAdaptiveTree", 1_000, 0.0)[0].right) == 0
    assert len(peers.play(stream, "HoeffdingAdaptiveTree", 1_000, 60.0)[0].right) == 360


def test_streams_are_those_of_a_directory(tmp_path: Path) -> None:
    (tmp_path / "small.csv.gz").write_bytes(b"a,y\n1,k\n2,m\n")
    (stream,) = real(tmp_path, 1)
    assert (stream.name, len(stream.table)) == ("small", 1)


def test_the_picture_has_a_panel_for_each_stream(tmp_path: Path) -> None:
    streams = made(1_000)[:3]
    right = np.random.default_rng(0).random(900) < 0.8
    draw(tmp_path / "q.svg", streams, {(s.name, ours.DEFAULT): Played(s.name, ours.DEFAULT, right, 900, 1.0) for s in streams})
    text = (tmp_path / "q.svg").read_text(encoding="utf-8")
    assert all(stream.name in text for stream in streams)


@pytest.mark.parametrize(("value", "line"), [(0.8123, "| default | 0.812 |"), (0.7, "| default | 0.7 **missed 0.8** |")])
def test_names_give_lines_and_columns(value: float, line: str) -> None:
    def one(name: str, value: float, **more: object) -> Figure:
        return figure(name, Sample((value,)), "", Kind.RESOURCE, **more)

    figures = (one("quality/accuracy/default/noaa", value, aim=0.8), one("quality/fits/default/noaa", 3))
    table = markdown(History([Run("2026-01-01 00:00", {}, figures)]))
    assert line in table
    assert "| fits | noaa |" in table

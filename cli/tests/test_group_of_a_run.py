"""Rows that a device answers before their labels follow."""

from pathlib import Path

import pytest
from edgeloop_cli.errors import RefusedError
from edgeloop_cli.run import check
from edgeloop_replay.tables.csv_options import CsvOptions


@pytest.fixture
def stream(tmp_path: Path) -> Path:
    path = tmp_path / "pumps.csv"
    path.write_text("a,y\n" + "".join(f"{row},{row % 2}\n" for row in range(200)), encoding="utf-8")
    return path


def test_a_group_is_as_large_as_it_is_asked_for(stream: Path, tmp_path: Path) -> None:
    assert check(stream=stream, reading=CsvOptions(label="y"), data_dir=tmp_path, group=10).group == 10
    assert check(stream=stream, reading=CsvOptions(label="y"), data_dir=tmp_path).group == 50


def test_groups_are_smaller_where_labels_repeat(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    path.write_text("a,y\n" + "".join(f"{row},{row // 9 % 2}\n" for row in range(2_000)), encoding="utf-8")
    assert check(stream=path, reading=CsvOptions(label="y"), data_dir=tmp_path).group == 10
    assert check(stream=path, reading=CsvOptions(label="y"), data_dir=tmp_path, group=50).group == 50
    assert check(stream=path, reading=CsvOptions(label="y"), data_dir=tmp_path, delay=20).group == 50, (
        "labels are too late for it to matter"
    )


def test_a_run_in_real_time_has_no_groups(stream: Path, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="--group 10 goes with --pace lockstep"):
        check(stream=stream, reading=CsvOptions(label="y"), data_dir=tmp_path, pace="100", group=10)

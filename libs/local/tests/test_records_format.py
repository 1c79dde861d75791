"""A data directory tells its records' format; one of another release is refused and not touched."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from edgeloop_local import LocalStack
from edgeloop_local.errors import RecordsFormatError
from edgeloop_local.records_format import RECORDS_FORMAT, require_format

if TYPE_CHECKING:
    from pathlib import Path


def used(folder: Path) -> Path:
    """A data directory in which Kafka has run."""
    (folder / "kafka/log").mkdir(parents=True)
    (folder / "kafka/log/meta.properties").write_text("version=1\n", encoding="utf-8")
    return folder


def test_a_new_directory_is_marked_and_taken_again(tmp_path: Path) -> None:
    require_format(tmp_path / "data")
    used(tmp_path / "data")
    require_format(tmp_path / "data")
    assert (tmp_path / "data/records-format").read_text(encoding="utf-8") == f"{RECORDS_FORMAT}\n"


def test_a_directory_of_release_0_1_is_refused_in_one_line_before_anything_starts(tmp_path: Path) -> None:
    used(tmp_path)
    with pytest.raises(RecordsFormatError, match=r"holds records of edgeloop 0\.1.*another data directory") as caught:
        LocalStack(tmp_path).start()
    assert "\n" not in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} <= {"kafka", "lock"}


@pytest.mark.parametrize("text", ["3\n", "", "x"])
def test_a_directory_of_another_format_is_refused(tmp_path: Path, text: str) -> None:
    (used(tmp_path) / "records-format").write_text(text, encoding="utf-8")
    with pytest.raises(RecordsFormatError, match="another release"):
        require_format(tmp_path)

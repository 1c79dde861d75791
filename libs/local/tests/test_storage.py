"""Formatting the broker's directory."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from edgeloop_local.storage import format_storage, kafka_uuid

if TYPE_CHECKING:
    from pathlib import Path


class Tool:
    """Stands for Kafka's format tool."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.cluster_ids: list[str] = []

    def __call__(self, cluster_id: str) -> None:
        self.cluster_ids.append(cluster_id)
        (self.directory / "log").mkdir(parents=True)
        (self.directory / "log" / "meta.properties").write_text(f"cluster.id={cluster_id}\n")
        (self.directory / "log" / "bootstrap.checkpoint").write_bytes(b"features")


def test_the_tool_runs_for_the_first_directory_only(tmp_path: Path) -> None:
    first, second = Tool(tmp_path / "a"), Tool(tmp_path / "b")
    format_storage(first.directory, tmp_path / "formats", first)
    format_storage(second.directory, tmp_path / "formats", second)
    assert len(first.cluster_ids) == 1
    assert second.cluster_ids == []
    assert (tmp_path / "b" / "log" / "bootstrap.checkpoint").read_bytes() == b"features"
    meta = (tmp_path / "b" / "log" / "meta.properties").read_text()
    assert re.search(r"^cluster\.id=[\w-]{22}$", meta, re.MULTILINE)
    assert first.cluster_ids[0] not in meta


def test_a_formatted_directory_keeps_its_cluster_id(tmp_path: Path) -> None:
    tool = Tool(tmp_path / "a")
    format_storage(tool.directory, tmp_path / "formats", tool)
    before = (tmp_path / "a" / "log" / "meta.properties").read_text()
    format_storage(tool.directory, tmp_path / "formats", tool)
    assert (tmp_path / "a" / "log" / "meta.properties").read_text() == before


def test_a_format_that_was_cut_short_is_done_again(tmp_path: Path) -> None:
    (tmp_path / "a" / "log").mkdir(parents=True)
    (tmp_path / "a" / "log" / "bootstrap.checkpoint").write_bytes(b"half")
    tool = Tool(tmp_path / "a")
    format_storage(tool.directory, tmp_path / "formats", tool)
    assert (tmp_path / "a" / "log" / "bootstrap.checkpoint").read_bytes() == b"features"


def test_ids_look_like_kafkas() -> None:
    ids = {kafka_uuid() for _ in range(500)}
    assert len(ids) == 500
    assert all(re.fullmatch(r"[\w][\w-]{21}", each) for each in ids)

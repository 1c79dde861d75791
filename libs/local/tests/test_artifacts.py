"""What is pinned, where it is kept, and what happens when it can't be had."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from edgeloop_local import artifacts, locations
from edgeloop_local.artifacts import programs
from edgeloop_local.errors import DiskFull
from edgeloop_local.locations import cache_dir, require_free_space
from edgeloop_local.pins import KAFKA_VERSION, REGISTRY_VERSION, load_pins

if TYPE_CHECKING:
    from pathlib import Path


def test_every_file_is_pinned_by_size_and_sha256() -> None:
    pins = load_pins()
    for pin in (*pins.kafka, pins.registry):
        assert re.fullmatch("[0-9a-f]{64}", pin.sha256)
        assert pin.size > 0
    assert len({pin.filename for pin in pins.kafka}) == len(pins.kafka) == 46


def test_the_pins_are_of_the_versions_we_name() -> None:
    pins = load_pins()
    assert {pin.version for pin in pins.kafka if pin.group == "org.apache.kafka"} == {KAFKA_VERSION}
    assert pins.registry.repository_path == (
        f"io/apicurio/apicurio-registry-app/{REGISTRY_VERSION}/apicurio-registry-app-{REGISTRY_VERSION}-all.tar.gz"
    )


def test_the_pins_name_no_download_address() -> None:
    assert "://" not in (artifacts.__file__ and load_pins().__repr__())


def test_the_cache_is_the_users_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGELOOP_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "edgeloop"
    monkeypatch.setenv("EDGELOOP_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"


def test_a_nearly_full_disk_is_refused_before_anything_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(locations.shutil, "disk_usage", lambda _path: type("Usage", (), {"free": 5 * 2**20})())
    with pytest.raises(DiskFull, match=r"only 5 MB are free at .* make room"):
        programs(cache=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"download.lock"}


def test_room_is_looked_for_where_a_directory_is_yet_to_be_made(tmp_path: Path) -> None:
    require_free_space(tmp_path / "not" / "yet", needed=1)

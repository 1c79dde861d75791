"""Pins, the cache, and downloads that fail."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from edgeloop_local import locations
from edgeloop_local.artifacts import programs
from edgeloop_local.errors import DiskFullError, DownloadError
from edgeloop_local.locations import cache_dir, require_free_space
from edgeloop_local.pins import KAFKA_VERSION, REGISTRY_VERSION, Pin, Pins, load_pins
from edgeloop_local.ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Iterator
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
    assert "://" not in repr(load_pins())


def test_the_cache_is_the_users_unless_told_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("EDGELOOP_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_dir() == tmp_path / "edgeloop"
    monkeypatch.setenv("EDGELOOP_CACHE", str(tmp_path / "mine"))
    assert cache_dir() == tmp_path / "mine"


def test_a_nearly_full_disk_is_refused_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def nearly_full(_path: Path) -> SimpleNamespace:
        return SimpleNamespace(free=5 * 2**20)

    monkeypatch.setattr(locations.shutil, "disk_usage", nearly_full)
    with pytest.raises(DiskFullError, match=r"only 5 MB are free at .* free some space"):
        programs(cache=tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"download.lock"}


def test_room_is_looked_for_where_a_directory_is_yet_to_be_made(tmp_path: Path) -> None:
    require_free_space(tmp_path / "not" / "yet", needed=1)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Pins, list[str]]]:
    """A Maven repository with small files, that the user's jgo settings name; gives pins and what was asked for."""
    root, asked = tmp_path / "repository", list[str]()

    def publish(pin: Pin, content: bytes) -> Pin:
        (root / pin.repository_path).parent.mkdir(parents=True)
        (root / pin.repository_path).write_bytes(content)
        return replace(pin, size=len(content), sha256=hashlib.sha256(content).hexdigest())

    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("apicurio-registry-app-2-runner.jar"))
    jars = [publish(Pin("org.example", f"jar{number}", "1", "", "jar", 0, ""), b"jar" * 1000) for number in range(9)]
    registry = publish(Pin("io.apicurio", "apicurio-registry-app", "2", "all", "tar.gz", 0, ""), packed.getvalue())

    class Repository(SimpleHTTPRequestHandler):
        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            asked.append(self.path)

    with ThreadingHTTPServer((LOOPBACK, 0), partial(Repository, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        settings = tmp_path / "jgo.conf"
        settings.write_text(f"[repositories]\ncentral = http://{LOOPBACK}:{server.server_port}\n")
        monkeypatch.setenv("JGO_CONFIG_FILE", str(settings))
        monkeypatch.setenv("NO_PROXY", LOOPBACK)
        yield Pins(tuple(jars), registry), asked
        server.shutdown()


def test_two_first_starts_at_once_download_everything_once(published: tuple[Pins, list[str]], tmp_path: Path) -> None:
    pins, asked = published
    with ThreadPoolExecutor(2) as pool:
        starts = [pool.submit(programs, cache=tmp_path / "cache", pins=pins) for _ in range(2)]
        found = [start.result() for start in starts]
    assert sorted(asked) == sorted(f"/{pin.repository_path}" for pin in (*pins.kafka, pins.registry))
    assert found[0] == found[1]
    assert all(jar.exists() for jar in (*found[0].kafka_jars, found[0].registry_jar))


def test_a_later_start_asks_nobody_and_only_what_is_missing_is_fetched_again(published: tuple[Pins, list[str]], tmp_path: Path) -> None:
    pins, asked = published
    found = programs(cache=tmp_path / "cache", pins=pins)
    asked.clear()
    programs(cache=tmp_path / "cache", pins=pins)
    assert asked == []
    found.kafka_jars[3].write_bytes(b"cut")
    programs(cache=tmp_path / "cache", pins=pins)
    assert asked == [f"/{pins.kafka[3].repository_path}"]
    assert found.kafka_jars[3].stat().st_size == pins.kafka[3].size


def test_when_one_file_can_not_be_had_the_others_are_kept_for_the_next_try(published: tuple[Pins, list[str]], tmp_path: Path) -> None:
    pins, _ = published
    lost = tmp_path / "repository" / pins.registry.repository_path
    lost.rename(tmp_path / "aside")
    with pytest.raises(DownloadError, match="HTTP 404"):
        programs(cache=tmp_path / "cache", pins=pins)
    assert not (tmp_path / "cache" / f"apicurio-registry-{REGISTRY_VERSION}").exists()
    (tmp_path / "aside").rename(lost)
    assert programs(cache=tmp_path / "cache", pins=pins).registry_jar.exists()

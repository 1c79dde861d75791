"""A version that a device has had before is not fetched again."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeloop_contracts import DeviceStatus, topics
from edgeloop_inference.core.archive_plan import FILES
from edgeloop_inference.io.archive import Archive

STREAM = "pumps"
ROOM = 1 << 20


def installed(bench: Any, version: int) -> Any:
    """The report of a version's installation."""

    def found() -> Any:
        return next((r for r in bench.kafka.reports if r.status is DeviceStatus.INSTALLED and r.version == version), None)

    return bench.eventually(found)


def recall(bench: Any, version: int, favourite: int) -> str:
    """Assign the file of an earlier version anew, and delete all chunks."""
    bench.kafka.gone = bench.kafka.end(topics.MODEL_CHUNKS, 0) + 1
    model = bench.model(favourite)
    bench.kafka.assign(bench.registry.assignment(model, version))
    return hashlib.sha256(model).hexdigest()


def test_a_recalled_version_is_installed_without_a_byte_of_it_being_transferred(bench: Any) -> None:
    bench.serving(1)
    bench.assign(2, favourite=1)
    installed(bench, 2)
    digest = recall(bench, 3, favourite=0)
    assert installed(bench, 3).digest == digest
    assert bench.metric("edgeloop_inference_model_version", stream=STREAM) == 3


def test_it_is_there_after_a_restart_too(bench: Any) -> None:
    bench.serving(1)
    bench.assign(2, favourite=1)
    installed(bench, 2)
    bench.stop()
    digest = recall(bench, 3, favourite=0)
    bench.device()
    assert installed(bench, 3).digest == digest


def test_a_device_that_is_sent_back_takes_the_file_it_holds_and_refuses_what_a_stranger_replays(bench: Any) -> None:
    bench.serving(1)
    bench.assign(2, favourite=1)
    installed(bench, 2)
    bench.kafka.gone = bench.kafka.end(topics.MODEL_CHUNKS, 0) + 1
    back, withdrawn = (bench.registry.assignment(bench.model(version - 1), version) for version in (1, 2))
    bench.kafka.assign(replace(back, serial=1))
    bench.eventually(lambda: bench.metric("edgeloop_inference_model_version", stream=STREAM) == 1)
    for restarted in (False, True):
        if restarted:
            bench.stop()
            bench.device()
        refusals = sum(r.status is DeviceStatus.REFUSED for r in bench.kafka.reports)
        bench.kafka.assign(withdrawn)
        bench.eventually(lambda seen=refusals: sum(r.status is DeviceStatus.REFUSED for r in bench.kafka.reports) > seen)
        refused = [r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED][-1]
        assert (refused.version, refused.refused_version, refused.reason) == (1, 2, "OLDER")


def test_a_device_that_keeps_no_archive_fetches_or_says_that_it_cannot(bench: Any) -> None:
    bench.serving(1, archive_max_bytes=0)
    bench.assign(2, favourite=1)
    installed(bench, 2)
    recall(bench, 3, favourite=0)
    refused = bench.eventually(lambda: next((r for r in bench.kafka.reports if r.status is DeviceStatus.REFUSED), None))
    assert (refused.version, refused.refused_version, refused.reason) == (2, 3, "MISSING")
    assert not (bench.folder / "data" / "archive").exists()


def test_a_file_that_was_changed_on_disk_is_fetched_anew(bench: Any) -> None:
    bench.serving(1)
    bench.assign(2, favourite=1)
    installed(bench, 2)
    for path in (bench.folder / "data" / "archive").rglob("*.onnx"):
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    bench.assign(3, favourite=0)
    assert installed(bench, 3).version == 3


def put(archive: Archive, version: int, data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    archive.put(STREAM, version, digest, data)
    return digest


def test_the_newest_files_of_a_stream_are_kept_and_no_more(tmp_path: Path) -> None:
    archive = Archive(tmp_path, ROOM)
    digests = [put(archive, version, bytes([version]) * 10) for version in range(1, 13)]
    held = [digest for digest in digests if archive.get(STREAM, digest) is not None]
    assert held == digests[-FILES:]
    assert len(list(tmp_path.rglob("*"))) == FILES + 1


def test_a_file_that_is_promoted_again_counts_as_new(tmp_path: Path) -> None:
    archive = Archive(tmp_path, ROOM)
    first = put(archive, 1, b"one")
    for version in range(2, FILES + 1):
        put(archive, version, bytes([version]))
    assert put(archive, FILES + 1, b"one") == first
    for version in range(FILES + 2, 2 * FILES + 1):
        put(archive, version, bytes([version]))
    assert archive.get(STREAM, first) == b"one"
    put(archive, 2 * FILES + 1, b"last")
    assert archive.get(STREAM, first) is None


@pytest.mark.parametrize(("most", "kept"), [(100, ["c", "b"]), (70, ["c"]), (39, [])])
def test_files_are_kept_as_far_as_their_bytes_have_room(tmp_path: Path, most: int, kept: list[str]) -> None:
    archive = Archive(tmp_path, most)
    digests = {name: put(archive, version, name.encode() * 40) for version, name in enumerate("abc", 1)}
    assert [name for name in "cba" if archive.get(STREAM, digests[name]) is not None] == kept


def test_streams_have_shelves_of_their_own(tmp_path: Path) -> None:
    archive = Archive(tmp_path, ROOM)
    digest = put(archive, 1, b"one")
    assert archive.get("fans", digest) is None

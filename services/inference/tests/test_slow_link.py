"""A model that comes in pieces, over cuts and restarts."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from edgeloop_inference.core.version_admission import RefusalError
from edgeloop_inference.io.chunks import fetch
from edgeloop_inference.io.partial_downloads import Part, Partials

MOST = 100_000


@pytest.fixture
def assigned(bench: Any) -> Any:
    """A file whose chunks are in the topic, every other one of another model."""
    model = bench.model()
    return bench.kafka.assign(bench.registry.assignment(model, 1), model, size=60).event.file, model


def partials_of(bench: Any, most: int = MOST) -> Partials:
    return Partials(bench.folder / "partial", most)


def test_after_a_cut_only_what_is_missing_is_read(bench: Any, assigned: Any) -> None:
    file, model = assigned
    assert file.chunks >= 4
    bench.kafka.cut_after = 5  # chunks 0 to 2, and two of another model
    with pytest.raises(TimeoutError):
        fetch(bench.kafka, file, partials_of(bench))
    bench.kafka.cut_after, bench.kafka.read = None, []
    assert fetch(bench.kafka, file, partials_of(bench)) == model
    assert min(bench.kafka.read) == file.offset + 5


def test_a_link_that_is_cut_after_every_record_brings_the_model_in_the_end(bench: Any) -> None:
    bench.kafka.define()
    bench.assign(1)
    bench.kafka.cut_after = 0

    def on() -> bool:
        bench.kafka.cut_after = bench.kafka.cut_after or 1
        return bench.metric("edgeloop_inference_model_version", stream="pumps") == 1

    bench.device()
    bench.eventually(on)
    assert not list((bench.folder / "data/partial").glob("*"))


def test_a_part_that_was_torn_or_touched_is_read_again(bench: Any, assigned: Any) -> None:
    file, model = assigned
    bench.kafka.cut_after = 5
    with pytest.raises(TimeoutError):
        fetch(bench.kafka, file, partials_of(bench))
    torn, *_ = sorted((bench.folder / "partial" / file.digest).iterdir())
    torn.write_bytes(torn.read_bytes()[:-1])
    bench.kafka.cut_after = None
    assert fetch(bench.kafka, file, partials_of(bench)) == model


def test_what_was_kept_of_other_offsets_is_forgotten_when_it_leads_nowhere(bench: Any, assigned: Any) -> None:
    file, model = assigned
    partials_of(bench).put(file.digest, 0, Part(10_000, b"old"))
    assert fetch(bench.kafka, file, partials_of(bench)) == model


def test_chunks_that_are_not_there_are_missing_and_too_many_bytes_are_refused_and_leave_nothing(bench: Any, assigned: Any) -> None:
    file, _ = assigned
    with pytest.raises(RefusalError, match=r"MISSING: .* of 99 chunks found"):
        fetch(bench.kafka, replace(file, chunks=99), partials_of(bench))
    with pytest.raises(RefusalError, match="DIGEST: expected 300 bytes"):
        fetch(bench.kafka, replace(file, size=300), partials_of(bench))
    assert not (bench.folder / "partial" / file.digest).exists()


def test_the_disk_that_parts_take_is_bounded_and_the_longest_untouched_go_first(tmp_path: Path) -> None:
    partials = Partials(tmp_path, 100)
    for number, digest in enumerate("abc"):
        partials.begin(digest, 10)
        partials.put(digest, 0, Part(0, b"x" * 40))
        os.utime(tmp_path / digest, (number, number))
    partials.begin("c", 50)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "c"]
    (kept,) = (tmp_path / "c").iterdir()
    assert kept.name == f"0-0-{hashlib.sha256(b'x' * 40).hexdigest()}"


def test_a_disk_that_takes_nothing_costs_no_model(bench: Any, assigned: Any) -> None:
    file, model = assigned
    (bench.folder / "partial").write_text("no folder")
    assert fetch(bench.kafka, file, partials_of(bench)) == model

"""Labelled rows, model files and versions read from a broker in memory."""

from __future__ import annotations

import hashlib

import pytest
from edgeloop_contracts import (
    CandidateRefused,
    DriftPartial,
    ExampleBatch,
    ModelChunk,
    ModelFile,
    ModelVersion,
    PartialKind,
    RowMark,
    topics,
)
from edgeloop_datasets import LabelledRows, ModelFiles, ModelGoneError, ModelVersions, StreamDefinitions, chunked, model_file
from edgeloop_datasets.model_files import CHUNK_BYTES, find_chunks
from edgeloop_readers import RangeGoneError
from edgeloop_streaming.testing import MemoryBroker
from edgeloop_streaming.testing.cluster import MemoryCluster

KEY = "default/pumps"
PARTITION = 1


class Bench:
    def __init__(self) -> None:
        self.broker = MemoryBroker()
        self.publisher = self.broker.publisher("test")
        self.rows = LabelledRows(self.broker.reader(), topics.EXAMPLES, topics.DRIFT_PARTIALS)

    def give(self, *labels: str) -> None:
        """A batch of one device, and its partial."""
        offset = MemoryCluster.log(self.broker, topics.EXAMPLES.name, PARTITION).end
        batch = ExampleBatch(tenant="default", stream="pumps", device_id="p1", labels=labels, features=b"\0" * 4 * len(labels))
        self.publisher.publish(topics.EXAMPLES, topics.EXAMPLES.key_of(batch), batch, partition=PARTITION)
        partial = DriftPartial(
            tenant="default",
            stream="pumps",
            device_id="p1",
            kind=PartialKind.ERRORS,
            partition=PARTITION,
            offset=offset,
            count=len(labels),
            errors=bytes(len(labels)),
        )
        self.publisher.publish(topics.DRIFT_PARTIALS, topics.DRIFT_PARTIALS.key_of(partial), partial, partition=PARTITION)

    def labels(self, first: int, last: int, *marks: RowMark, last_offset: int = 2) -> list[str]:
        slices = self.rows.newest(PARTITION, KEY, marks, last_offset, first, last)
        return [label for batch, part in slices for label in batch.labels[part]]


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.give("a", "b")
    bench.give("c")
    bench.give("d", "e", "f")
    return bench


def test_rows_come_in_the_pooled_order_whichever_batches_hold_them(bench: Bench) -> None:
    order = bench.rows.order(PARTITION, KEY, [RowMark(row=0, offset=0)], 2, 2)
    slices = bench.rows.slices(order.between(2, 5))
    assert [label for batch, part in slices for label in batch.labels[part]] == ["b", "c", "d", "e"]


def test_the_order_is_read_from_the_newest_mark_before_the_row_to_the_one_behind_the_last(bench: Bench) -> None:
    marks = [RowMark(row=0, offset=0), RowMark(row=2, offset=1), RowMark(row=3, offset=2)]
    order = bench.rows.order(PARTITION, KEY, marks, 2, 3, 3)
    assert [(reference.offset, reference.count) for reference in order.between(1, 9)] == [(1, 1)]


def test_a_row_older_than_the_oldest_mark_is_gone(bench: Bench) -> None:
    with pytest.raises(RangeGoneError, match="row 2 of default/pumps is older"):
        bench.rows.order(PARTITION, KEY, [RowMark(row=2, offset=1)], 2, 2)


def test_deleted_rows_raise_and_the_newest_of_them_can_be_read_still(bench: Bench) -> None:
    bench.broker.delete_before(topics.EXAMPLES, PARTITION, 1)
    marks = [RowMark(row=0, offset=0), RowMark(row=2, offset=1)]
    with pytest.raises(RangeGoneError):
        bench.rows.slices(bench.rows.order(PARTITION, KEY, marks, 2, 1).between(1, 6))
    assert bench.labels(1, 6, *marks) == ["c", "d", "e", "f"]


def file_of(onnx: bytes, offset: int = 0) -> ModelFile:
    return ModelFile(
        digest=hashlib.sha256(onnx).hexdigest(), size=len(onnx), chunks=len(chunked(onnx, "")), partition=PARTITION, offset=offset
    )


def written(bench: Bench, onnx: bytes, between: int = 0) -> ModelFile:
    other = ModelChunk(digest="0" * 64, index=0, total=1, size=1, data=b"x")
    for number, chunk in enumerate(chunked(onnx, hashlib.sha256(onnx).hexdigest())):
        for _ in range(between if number else 0):
            bench.publisher.publish(topics.MODEL_CHUNKS, topics.MODEL_CHUNKS.key_of(other), other, partition=PARTITION)
        bench.publisher.publish(topics.MODEL_CHUNKS, topics.MODEL_CHUNKS.key_of(chunk), chunk, partition=PARTITION)
    return file_of(onnx)


def test_a_file_is_cut_into_chunks_and_put_together_again_whatever_lies_between_them(bench: Bench) -> None:
    onnx = bytes(range(256)) * (CHUNK_BYTES // 100)
    file = written(bench, onnx, between=40)
    assert file.chunks == 3
    assert model_file(bench.broker.reader(), topics.MODEL_CHUNKS, file) == onnx


def test_a_file_that_is_not_whole_or_another_one_is_gone(bench: Bench) -> None:
    file = written(bench, b"model")
    with pytest.raises(ModelGoneError, match="0 of 1 chunks of"):
        model_file(bench.broker.reader(), topics.MODEL_CHUNKS, file_of(b"other"))
    bench.broker.delete_before(topics.MODEL_CHUNKS, PARTITION, 1)
    with pytest.raises(ModelGoneError):
        model_file(bench.broker.reader(), topics.MODEL_CHUNKS, file)


def test_a_search_ends_at_its_limit_or_at_the_end_of_the_partition_and_says_which(bench: Bench) -> None:
    onnx = b"m" * (CHUNK_BYTES + 1)
    file = written(bench, onnx, between=30)
    near = find_chunks(bench.broker.reader(), topics.MODEL_CHUNKS, file, within=5)
    assert (sorted(near.found), near.ended) == ([0], False)
    more = ModelFile(digest=file.digest, size=file.size, chunks=3, partition=PARTITION, offset=0)
    far = find_chunks(bench.broker.reader(), topics.MODEL_CHUNKS, more)
    assert (sorted(far.found), far.ended) == ([0, 1], True)


def test_a_file_is_read_once(bench: Bench) -> None:
    file = written(bench, b"model")
    files = ModelFiles(bench.broker.reader(), topics.MODEL_CHUNKS)
    assert files.read(file) == b"model"
    bench.broker.delete_before(topics.MODEL_CHUNKS, PARTITION, 1)
    assert files.read(file) == b"model"


def test_versions_are_found_as_soon_as_they_are_committed_and_requests_answered_by_a_refusal_too(bench: Bench) -> None:
    versions = ModelVersions(bench.broker.follower([topics.MODEL_EVENTS]))
    assert versions.first(KEY) is None

    def publish(event: ModelVersion | CandidateRefused) -> None:
        bench.publisher.publish(topics.MODEL_EVENTS, topics.MODEL_EVENTS.key_of(event), event)

    for number in (1, 2):
        publish(ModelVersion(tenant="default", stream="pumps", version=number, request_id=f"r{number}", file=file_of(b"%d" % number)))
    second, first = versions.get(KEY, 2), versions.first(KEY)
    assert second is not None
    assert first is not None
    assert (first.version, second.version) == (1, 2)
    assert versions.champion(KEY) == second
    assert versions.knows(second.file.digest)
    assert not versions.answered(KEY, "r3")
    publish(CandidateRefused(tenant="default", stream="pumps", request_id="r3"))
    assert versions.answered(KEY, "r3")


def test_a_stream_that_is_not_defined_has_no_definition(bench: Bench) -> None:
    assert StreamDefinitions(bench.broker.table(topics.STREAMS)).get(KEY) is None

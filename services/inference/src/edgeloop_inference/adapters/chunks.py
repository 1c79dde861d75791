"""Fetches a model's chunks."""

from __future__ import annotations

from edgeloop_contracts import Assignment, ModelChunk, topics
from edgeloop_streaming import RangeGoneError

from edgeloop_inference.adapters.kafka import Reader
from edgeloop_inference.core.admission import Reason, Refusal

PATIENCE_S = 10.0


def fetch(reader: Reader, assignment: Assignment) -> bytes:
    """Read the file that an assignment names, from where it says that it begins.

    Chunks of other models and the marks of transactions may lie between; so reading goes on behind the expected end,
    at most to the end of the partition.

    Raises
    ------
    Refusal
        ``MISSING``: chunks are not, or no longer, there. ``DIGEST``: there are more bytes than the assignment says.
    TimeoutError
        The broker did not give in time what it has: worth another try.
    """
    found: dict[int, bytes] = {}
    topic, partition, first = topics.MODEL_CHUNKS, assignment.chunk_partition, assignment.chunk_offset
    last = reader.end(topic, partition)
    while len(found) < assignment.chunks:
        end = min(first + assignment.chunks - len(found), last)
        if first >= end:
            place = f"{topic.name}/{partition}/{assignment.chunk_offset}"
            raise Refusal(Reason.MISSING, f"{len(found)} of {assignment.chunks} chunks found from {place} on")
        try:
            records = reader.read(topic, partition, first, end, PATIENCE_S)
        except RangeGoneError as error:
            raise Refusal(Reason.MISSING, f"the chunks are gone: {error}") from error
        for record in records:
            chunk = record.event
            if isinstance(chunk, ModelChunk) and chunk.digest == assignment.digest and 0 <= chunk.index < assignment.chunks:
                found[chunk.index] = chunk.data
        if sum(map(len, found.values())) > assignment.size:
            raise Refusal(Reason.DIGEST, f"expected {assignment.size} bytes in {assignment.chunks} chunks, given more")
        first = end
    return b"".join(found[index] for index in range(assignment.chunks))

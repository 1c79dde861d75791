"""Fetches a model's chunks."""

from __future__ import annotations

from edgeloop_contracts import Assignment, ModelChunk, topics
from edgeloop_streaming import RangeGoneError

from edgeloop_inference.adapters.kafka import Reader
from edgeloop_inference.core.admission import Reason, Refusal

PATIENCE_S = 5.0


def fetch(reader: Reader, assignment: Assignment) -> bytes:
    """Read the file that an assignment names, from where it says that it begins.

    Chunks of other models may lie between; so reading goes on behind the expected end until all chunks are there.

    Raises
    ------
    Refusal
        ``MISSING``: chunks have been deleted, or do not come within :data:`PATIENCE_S`. ``DIGEST``: there are more bytes
        than the assignment says.
    """
    found: dict[int, bytes] = {}
    first = assignment.chunk_offset
    while len(found) < assignment.chunks:
        end = first + assignment.chunks - len(found)
        try:
            records = reader.read(topics.MODEL_CHUNKS, assignment.chunk_partition, first, end, PATIENCE_S)
        except (RangeGoneError, TimeoutError) as error:
            place = f"{topics.MODEL_CHUNKS.name}/{assignment.chunk_partition}/{assignment.chunk_offset}"
            raise Refusal(Reason.MISSING, f"{len(found)} of {assignment.chunks} chunks found from {place} on: {error}") from error
        for record in records:
            chunk = record.event
            if isinstance(chunk, ModelChunk) and chunk.digest == assignment.digest and 0 <= chunk.index < assignment.chunks:
                found[chunk.index] = chunk.data
        if sum(map(len, found.values())) > assignment.size:
            raise Refusal(Reason.DIGEST, f"expected {assignment.size} bytes in {assignment.chunks} chunks, given more")
        first = end
    return b"".join(found[index] for index in range(assignment.chunks))

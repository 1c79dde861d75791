"""Artifacts of candidates, from ``model.chunks``."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from edgeloop_contracts import ModelCandidate, ModelChunk, ModelFile, topics
from edgeloop_datasets import Reader
from edgeloop_datasets.model_files import find_chunks
from edgeloop_readers import RangeGoneError
from edgeloop_streaming import BackpressureError

from edgeloop_registry.core.candidates import assemble, broken, check_claims

PATIENCE = 10.0
PAUSE = 0.2
READ_TIMEOUT = 1.0
MAX_SKIPPED = 10_000


class Artifacts:
    """Artifacts by candidate.

    One transaction commits a candidate and its chunks, but its markers reach the partitions one after another. So the candidate may be
    visible before its chunks, and missing chunks are awaited for some seconds.

    Parameters
    ----------
    reader
        Reads ranges of offsets.
    partitions
        Number of partitions of ``model.chunks``.
    clock
        Monotonic seconds.
    """

    def __init__(self, reader: Reader, partitions: Callable[[], int], clock: Callable[[], float] = monotonic) -> None:
        self._reader = reader
        self._partitions = partitions
        self._clock = clock
        self._missed: dict[str, float] = {}

    def __call__(self, candidate: ModelCandidate) -> bytes:
        """Bytes of the artifact that the candidate names.

        Raises
        ------
        CandidateRefusedError
            The artifact differs from the candidate's claims, or is absent.
        BackpressureError
            Chunks are missing that may still appear.
        """
        check_claims(candidate)
        if candidate.file.partition >= self._partitions():
            raise broken(f"{topics.MODEL_CHUNKS.name} has no partition {candidate.file.partition}")
        place = f"{candidate.file.partition}/{candidate.file.offset}"
        try:
            chunks = self._read(candidate.file)
        except RangeGoneError as error:
            raise broken(f"the chunks at {place} are gone: {error}") from error
        except TimeoutError as error:
            now = self._clock()
            # Keyed by place too: a second candidate with the same digest may lie elsewhere.
            since = self._missed.setdefault(f"{candidate.file.digest}@{place}", now)
            if now - since < PATIENCE:
                raise BackpressureError(lambda: self._clock() >= now + PAUSE) from error
            raise broken(f"of {candidate.file.chunks} chunks from {place} some did not appear within {PATIENCE:.0f} s") from error
        finally:
            if len(self._missed) > 100:
                self._missed.clear()
        self._missed.pop(f"{candidate.file.digest}@{place}", None)
        return assemble(candidate.file, chunks)

    def _read(self, file: ModelFile) -> dict[int, ModelChunk]:
        """Chunks by index."""
        chunks = find_chunks(self._reader, topics.MODEL_CHUNKS, file, within=MAX_SKIPPED, timeout=READ_TIMEOUT)
        missing = file.chunks - len(chunks.found)
        if missing and chunks.ended:
            raise TimeoutError
        if missing:
            raise broken(f"{missing} of {file.chunks} chunks do not lie among the {MAX_SKIPPED} records that follow")
        return chunks.found

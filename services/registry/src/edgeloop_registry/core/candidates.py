"""Conditions for a candidate to become a version."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping

from edgeloop_contracts import (
    CandidateRefused,
    ModelCandidate,
    ModelChunk,
    ModelFile,
    ModelVersion,
    RefusalReason,
    RegistryState,
    SignedStatement,
    StreamKey,
    StreamTask,
)
from edgeloop_contracts.texts import cut
from edgeloop_errors import InvalidError

MAX_SIZE = 256 << 20
MAX_CHUNK = 512 << 10
MOST_OF_A_VERSION = 900 << 10
SHOWN = 300
STRANGE = (RefusalReason.SIGNATURE, RefusalReason.REPLAYED)


class CandidateRefusedError(InvalidError):
    """The candidate does not become a version.

    Attributes
    ----------
    reason, message
        As they go into the event.
    """

    def __init__(self, reason: RefusalReason, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


def broken(message: str) -> CandidateRefusedError:
    """Refusal of a candidate whose artifact differs from its claims."""
    return CandidateRefusedError(RefusalReason.BROKEN_ARTIFACT, message)


def check_signed(candidate: ModelCandidate, *, signed: bool) -> None:
    """Check that the trainer signed a candidate, and that nobody changed it.

    Raises
    ------
    CandidateRefusedError
        ``SIGNATURE``.
    """
    if not signed:
        raise CandidateRefusedError(
            RefusalReason.SIGNATURE,
            f"a candidate for {_claimed(candidate)} is not signed by a key that is trusted for candidates, or was altered since",
        )


def check_request(candidate: ModelCandidate, asked: int | None, known: RegistryState | None) -> int:
    """Check that a candidate answers an open request; give back the request's offset.

    Parameters
    ----------
    asked
        Offset of the request that the candidate names; ``None`` if there is no such request.
    known
        The registry's state of the candidate's stream.

    Raises
    ------
    CandidateRefusedError
        ``UNKNOWN_REQUEST``; or ``REPLAYED``: this request, or a later one of the stream, has been answered.
    """
    if asked is None:
        raise CandidateRefusedError(RefusalReason.UNKNOWN_REQUEST, f"there is no {_claimed(candidate)}")
    if known is not None and known.answered is not None and asked <= known.answered:
        raise CandidateRefusedError(RefusalReason.REPLAYED, f"{_claimed(candidate)}, or a later one, has been answered")
    return asked


def _claimed(candidate: ModelCandidate) -> str:
    return f"request {cut(candidate.request_id, SHOWN)!r} of stream {cut(StreamKey.of(candidate), SHOWN)!r}"


def check_standing(candidate: ModelCandidate, known: RegistryState | None) -> RegistryState:
    """Check a candidate against the stream's current state; give back that state.

    Raises
    ------
    CandidateRefusedError
        ``UNKNOWN_STREAM``. ``STALE``: the beaten version is not the current one, or the training rows had other features.
        ``BROKEN_ARTIFACT``: the recalled version does not exist, or the task differs.
    """
    if known is None:
        raise CandidateRefusedError(
            RefusalReason.UNKNOWN_STREAM, f"no stream {candidate.stream!r} of tenant {candidate.tenant!r} is defined"
        )
    if candidate.champion_version != known.version:
        raise CandidateRefusedError(
            RefusalReason.STALE,
            f"the candidate was compared with {_named(candidate.champion_version)}; the current version is {known.version or 'none'}",
        )
    if candidate.recalls is not None and not 1 <= candidate.recalls <= (known.version or 0):
        raise broken(f"version {candidate.recalls} is recalled; there are 1 to {known.version or 0}")
    if not known.features_since <= candidate.definition_version <= known.definition_version:
        raise CandidateRefusedError(
            RefusalReason.STALE,
            f"the candidate was trained on definition {candidate.definition_version}; "
            f"the stream's rows are those of {known.features_since} to {known.definition_version}",
        )
    if bool(candidate.classes) != (known.task is StreamTask.CLASSIFICATION):
        answers = f"one of {len(candidate.classes)} classes" if candidate.classes else "a number"
        raise broken(f"the stream's task is {known.task.value}, the candidate answers with {answers}")
    return known


def _named(version: int | None) -> str:
    return "the majority class" if version is None else f"version {version}"


def check_size(size: int) -> None:
    """Check that a version fits its topic. It contains all class names twice and all feature names, which may be long.

    Raises
    ------
    CandidateRefusedError
        ``BROKEN_ARTIFACT``.
    """
    if size > MOST_OF_A_VERSION:
        raise broken(f"names, figures and parameters make a version of {size:,} bytes; at most {MOST_OF_A_VERSION:,} are allowed")


def check_claims(candidate: ModelCandidate) -> None:
    """Check a candidate's claims about its artifact, before any of it is read.

    Raises
    ------
    CandidateRefusedError
        Impossible numbers, no digest, or class names that are not unique.
    """
    file = candidate.file
    if not 0 < file.size <= MAX_SIZE:
        raise broken(f"an artifact of {file.size} bytes; 1 to {MAX_SIZE} are allowed")
    if not -(-file.size // MAX_CHUNK) <= file.chunks <= file.size:
        raise broken(f"{file.chunks} chunks of at most {MAX_CHUNK} bytes cannot hold {file.size} bytes")
    if file.partition < 0 or file.offset < 0:
        raise broken(f"no chunk lies at {file.partition}/{file.offset}")
    if len(file.digest) != 64 or not set(file.digest) <= set("0123456789abcdef"):
        raise broken(f"{file.digest!r} is no SHA-256 in small hexadecimal digits")
    doubled = [name for name, count in Counter(candidate.classes).items() if count > 1]
    if doubled:
        raise broken(f"classes named twice: {doubled}")


def assemble(file: ModelFile, chunks: Mapping[int, ModelChunk]) -> bytes:
    """Assemble the artifact, and check that it is the named one.

    Parameters
    ----------
    file
        File whose claims hold (:func:`check_claims`).
    chunks
        All chunks by index.

    Raises
    ------
    CandidateRefusedError
        A chunk is missing, too large or of another artifact; or size or digest differ.
    """
    parts: list[bytes] = []
    for index in range(file.chunks):
        chunk = chunks.get(index)
        if chunk is None:
            raise broken(f"chunk {index} of {file.chunks} is missing")
        if (chunk.digest, chunk.total, chunk.size) != (file.digest, file.chunks, file.size):
            raise broken(f"chunk {index} belongs to another artifact")
        if len(chunk.data) > MAX_CHUNK:
            raise broken(f"chunk {index} has {len(chunk.data)} bytes; at most {MAX_CHUNK} are allowed")
        parts.append(chunk.data)
    artifact = b"".join(parts)
    if len(artifact) != file.size:
        raise broken(f"{file.size} bytes expected, {len(artifact)} found")
    digest = hashlib.sha256(artifact).hexdigest()
    if digest != file.digest:
        raise broken(f"SHA-256 {file.digest} expected, {digest} found")
    return artifact


def version_of(candidate: ModelCandidate, version: int, signed: SignedStatement, previous: str | None) -> ModelVersion:
    """The candidate as version number ``version`` of its stream."""
    return ModelVersion(
        tenant=candidate.tenant,
        stream=candidate.stream,
        version=version,
        request_id=candidate.request_id,
        file=candidate.file,
        classes=candidate.classes,
        definition_version=candidate.definition_version,
        beat_version=candidate.champion_version,
        rows=candidate.rows,
        dataset_digest=candidate.dataset_digest,
        metrics=candidate.metrics,
        parameters=candidate.parameters,
        recalls=candidate.recalls,
        signed=signed,
        previous=previous,
    )


def refusal_of(
    candidate: ModelCandidate, refused: CandidateRefusedError, previous: str | None, known: RegistryState | None
) -> CandidateRefused:
    """The event with the reason of a refusal.

    An unsigned or replayed candidate leaves out the request id, so that nobody takes the event for the request's answer.

    Parameters
    ----------
    known
        The registry's state of the named stream.
    """
    strange = refused.reason in STRANGE
    named = known is not None or not strange
    return CandidateRefused(
        tenant=cut(candidate.tenant, SHOWN) if named else "",
        stream=cut(candidate.stream, SHOWN) if named else "",
        request_id=None if strange else cut(candidate.request_id, SHOWN),
        digest=cut(candidate.file.digest, SHOWN),
        reason=refused.reason,
        message=cut(refused.message),
        previous=previous,
    )

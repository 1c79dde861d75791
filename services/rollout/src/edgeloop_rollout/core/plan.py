"""What the devices of a stream shall run."""

from __future__ import annotations

from edgeloop_contracts import Assignment, Cause, ModelVersion, RolloutState


def target(version: ModelVersion, cause: Cause, current: RolloutState) -> RolloutState | None:
    """The new target of a stream; ``None`` if ``version`` is not newer than the current one.

    Parameters
    ----------
    version
        A version that the registry made.
    cause
        Its event, which every assignment of it will name, however late the device comes.
    current
        The stream's target until now; a default one if none.
    """
    if version.version <= current.version:
        return None
    return RolloutState(
        version=version.version,
        digest=version.digest,
        size=version.size,
        chunks=version.chunks,
        chunk_partition=version.chunk_partition,
        chunk_offset=version.chunk_offset,
        statement=version.statement,
        signature=version.signature,
        key_id=version.key_id,
        cause_id=cause.id,
        cause_correlation=cause.correlation,
        cause_at=cause.at,
    )


def assignment(key: str, aim: RolloutState) -> Assignment:
    """Tell the device ``key`` (tenant/stream/device) to run the stream's target."""
    tenant, stream, device = key.split("/")
    return Assignment(
        tenant=tenant,
        stream=stream,
        device_id=device,
        version=aim.version,
        digest=aim.digest,
        size=aim.size,
        chunks=aim.chunks,
        chunk_partition=aim.chunk_partition,
        chunk_offset=aim.chunk_offset,
        statement=aim.statement,
        signature=aim.signature,
        key_id=aim.key_id,
    )


def cause_of(aim: RolloutState) -> Cause:
    """The event that made ``aim`` the target."""
    return Cause(id=aim.cause_id, correlation=aim.cause_correlation, at=aim.cause_at)

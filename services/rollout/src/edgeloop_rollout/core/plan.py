"""The version that the devices of a stream shall run."""

from __future__ import annotations

from edgeloop_contracts import Assignment, Cause, DeviceKey, ModelVersion, RolloutTarget


def target(version: ModelVersion, cause: Cause, current: RolloutTarget | None) -> RolloutTarget | None:
    """The new target of a stream; ``None`` if ``version`` is not newer than the current one.

    Parameters
    ----------
    version
        A version that the registry made.
    cause
        Its event, which every assignment of it will name, however late the device comes.
    current
        The stream's target until now; ``None`` before the first.
    """
    if current is not None and version.version <= current.version:
        return None
    return RolloutTarget(version=version.version, file=version.file, signed=version.signed, cause=cause)


def assignment(key: DeviceKey, aim: RolloutTarget) -> Assignment:
    """Tell a device to run the stream's target."""
    return Assignment(tenant=key.tenant, stream=key.stream, device_id=key.device_id, version=aim.version, file=aim.file, signed=aim.signed)

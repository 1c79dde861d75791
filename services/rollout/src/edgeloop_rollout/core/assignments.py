"""The version that a device is told to run."""

from __future__ import annotations

from edgeloop_contracts import Assignment, Cause, DeviceKey, ModelVersion
from edgeloop_contracts.events import RolloutTarget


def target(version: ModelVersion, cause: Cause) -> RolloutTarget:
    """A version that the registry made, with its event, which its assignments will name however late a device comes."""
    return RolloutTarget(version=version.version, file=version.file, signed=version.signed, cause=cause)


def assignment(key: DeviceKey, aim: RolloutTarget, serial: int) -> Assignment:
    """Tell a device to run a version.

    Parameters
    ----------
    serial
        Number of times that the device was sent back.
    """
    return Assignment(
        tenant=key.tenant,
        stream=key.stream,
        device_id=key.device_id,
        version=aim.version,
        file=aim.file,
        signed=aim.signed,
        serial=serial,
    )

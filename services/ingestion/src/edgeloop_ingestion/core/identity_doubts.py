"""Records under a device's name that cannot all be from that device."""

from __future__ import annotations

from collections.abc import Iterator

from edgeloop_contracts import DeviceDoubted, DeviceKey
from edgeloop_signing.record_judgement import REASONS as SIGNATURE_REASONS

OTHER_KEY = "OTHER_KEY"
REASONS = frozenset({"NUMBER_TAKEN", "ID_TAKEN", "FORGOTTEN_EPOCH", "TOO_MANY_EPOCHS", OTHER_KEY, *SIGNATURE_REASONS})


class Doubts:
    """Doubts of one transaction, one per device and reason."""

    def __init__(self) -> None:
        self._doubts: dict[tuple[DeviceKey, str], tuple[str, int]] = {}

    def add(self, key: DeviceKey, reason: str, message: str) -> None:
        """Add a record of the device ``key``, if its reason is a doubt."""
        if reason in REASONS:
            first, records = self._doubts.get((key, reason), (message, 0))
            self._doubts[key, reason] = first, records + 1

    def drain(self) -> Iterator[tuple[DeviceKey, DeviceDoubted]]:
        """The doubts since the last call, each with the device's key."""
        doubts, self._doubts = self._doubts, {}
        for (key, reason), (message, records) in doubts.items():
            tenant, stream, device_id = key.names
            yield key, DeviceDoubted(tenant=tenant, stream=stream, device_id=device_id, reason=reason, message=message, records=records)

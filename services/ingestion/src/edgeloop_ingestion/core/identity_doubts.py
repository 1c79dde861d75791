"""Records that came in a device's name and cannot all be its own."""

from __future__ import annotations

from collections.abc import Iterator

from edgeloop_contracts import DeviceDoubted, DeviceKey

OTHER_KEY = "OTHER_KEY"
REASONS = frozenset({"NUMBER_TAKEN", "ID_TAKEN", "FORGOTTEN_EPOCH", "TOO_MANY_EPOCHS", OTHER_KEY})


class Doubts:
    """Doubts of one transaction, once a device and reason."""

    def __init__(self) -> None:
        self._noted: dict[tuple[DeviceKey, str], tuple[str, int]] = {}

    def note(self, key: DeviceKey, reason: str, message: str) -> None:
        """Take note of a record of the device ``key``, if its reason is a doubt."""
        if reason in REASONS:
            first, records = self._noted.get((key, reason), (message, 0))
            self._noted[key, reason] = first, records + 1

    def told(self) -> Iterator[tuple[DeviceKey, DeviceDoubted]]:
        """What was noted, with the device's key; begins anew."""
        noted, self._noted = self._noted, {}
        for (key, reason), (message, records) in noted.items():
            tenant, stream, device_id = key.names
            yield key, DeviceDoubted(tenant=tenant, stream=stream, device_id=device_id, reason=reason, message=message, records=records)

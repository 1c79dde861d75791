"""Errors of a device by fingerprint: counted, and told at most once a minute each."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass

from edgeloop_contracts import DeviceError
from edgeloop_contracts.texts import cut

EVERY_MS = 60_000
MOST = 64
MESSAGE_CHARACTERS = 1_000


@dataclass(slots=True)
class _Errors:
    kind: str
    message: str
    first: int
    last: int
    count: int = 0
    told: int = 0
    told_at: int | None = None


def fingerprint(kind: str, place: str) -> str:
    """Hash of the kind and the place of an error, 16 hex digits; the same on all devices."""
    return hashlib.sha256(f"{kind}\0{place}".encode()).hexdigest()[:16]


class ErrorLog:
    """Errors since the start of the process; any thread may note one.

    At most ``MOST`` fingerprints are kept. A further one takes the place of the one that was seen longest ago.

    Parameters
    ----------
    tenant, device
        Whose errors these are.
    clock
        Clock of the device, seconds since 1970.
    """

    def __init__(self, tenant: str, device: str, clock: Callable[[], float]) -> None:
        self._tenant = tenant
        self._device = device
        self._clock = clock
        self._lock = threading.Lock()
        self._errors: dict[str, _Errors] = {}

    def note(self, kind: str, place: str, message: str) -> None:
        """Count an error.

        Parameters
        ----------
        kind
            Name of its type.
        place
            Part of the program, such as ``sender``.
        message
            For people; without any value of a row.
        """
        now, name = self._now(), fingerprint(kind, place)
        with self._lock:
            errors = self._errors.get(name)
            if errors is None:
                if len(self._errors) >= MOST:
                    del self._errors[min(self._errors, key=lambda one: self._errors[one].last)]
                errors = self._errors[name] = _Errors(kind, "", now, now)
            errors.count += 1
            errors.last = now
            errors.message = cut(f"{place}: {message}", MESSAGE_CHARACTERS)

    def due(self) -> list[DeviceError]:
        """Errors to be told now: those that came since they were told last, at least a minute ago."""
        now = self._now()
        with self._lock:
            found = [
                (name, errors)
                for name, errors in self._errors.items()
                if errors.count > errors.told and (errors.told_at is None or abs(now - errors.told_at) >= EVERY_MS)
            ]
            for _, errors in found:
                errors.told, errors.told_at = errors.count, now
            return [self._event(name, errors) for name, errors in found]

    def _event(self, name: str, errors: _Errors) -> DeviceError:
        return DeviceError(
            tenant=self._tenant,
            device_id=self._device,
            fingerprint=name,
            kind=errors.kind,
            message=errors.message,
            count=errors.count,
            first_seen=errors.first,
            last_seen=errors.last,
        )

    def _now(self) -> int:
        return int(1000 * self._clock())

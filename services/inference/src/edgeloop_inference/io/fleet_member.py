"""The device as a member of its tenant's fleet: its enrolment, its group, and the configuration that it runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from edgeloop_contracts import Admission, Device, Enrolment, FleetConfig, FleetPolicy
from edgeloop_kafka import Received
from edgeloop_kafka.codec import body, from_body

from edgeloop_inference.core.configuration import Configurations, Resolution, Running, resolve
from edgeloop_inference.io.files import read_text, write_whole

FIRST_PAUSE_S, LONGEST_PAUSE_S = 15.0, 600.0


class FleetMember:
    """Notes what the fleet says of this device; called in the thread of the device's consumers.

    What was last known is kept on disk, so that a device without a network runs its configuration after a restart.

    Parameters
    ----------
    tenant, device, key_id
        Of the device.
    own
        The device's own settings.
    path
        File of what was last known.
    apply
        Takes a new resolution, and the reason why a newer configuration is refused.
    hold
        Told whether the device's rows and reports wait, since its tenant would refuse them.
    ask
        Sends a request for enrolment; ``None`` on a device without a token.
    clock
        Monotonic clock, seconds.
    """

    def __init__(
        self,
        tenant: str,
        device: str,
        key_id: str,
        own: Running,
        path: Path,
        apply: Callable[[Resolution, str], None],
        hold: Callable[[bool], None],
        ask: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tenant = tenant
        self._device = device
        self._key_id = key_id
        self._own = own
        self._path = path
        self._apply = apply
        self._hold = hold
        self._ask = ask
        self._clock = clock
        self._ask_at, self._pause = clock(), FIRST_PAUSE_S
        self._configs = Configurations()
        self._closed = False
        self._group = ""
        self._known = False
        self._changed = True

    @property
    def enrolled(self) -> bool:
        """Whether the fleet knows this device's key and admits it."""
        return self._known

    def restore(self) -> None:
        """Apply what was known at the last time."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads(read_text(self._path) or "{}")
            self._group, self._closed, self._known = str(kept["group"]), bool(kept["closed"]), bool(kept["known"])
            for one in kept["configs"]:
                self._configs.take(from_body(FleetConfig, bytes.fromhex(one)))
        self._tell()

    def handle(self, received: Received[Any]) -> bool:
        """Note a record of ``fleet.config`` or ``fleet.devices``; give back whether it is one."""
        match received.event:
            case FleetPolicy() as policy:
                if policy.tenant == self._tenant:
                    self._closed, self._changed = policy.admission is Admission.ENROLLED, True
            case FleetConfig() as config:
                if config.tenant == self._tenant:
                    self._configs.take(config)
                    self._changed = True
            case Device() as device:
                if (device.tenant, device.device_id) == (self._tenant, self._device):
                    self._group, self._changed = device.device_group, True
                    counts = any(key.key_id == self._key_id and key.until is None for key in device.keys)
                    self._known = device.enrolment is Enrolment.ENROLLED and counts
            case _:
                return False
        return True

    def apply_pending(self) -> None:
        """Apply what has changed since the last call, and ask for enrolment where it is time to."""
        if self._changed:
            self._tell()
            self._keep()
        if self._ask is not None and not self._known and self._clock() >= self._ask_at:
            self._ask()
            self._ask_at, self._pause = self._clock() + self._pause, min(2 * self._pause, LONGEST_PAUSE_S)

    def _tell(self) -> None:
        self._changed = False
        resolution = resolve(self._own, self._configs.good.values(), self._tenant, self._device, self._group)
        self._apply(resolution, self._configs.refused(self._device, self._group))
        self._hold(self._closed and not self._known)

    def _keep(self) -> None:
        kept = {
            "group": self._group,
            "closed": self._closed,
            "known": self._known,
            "configs": [body(one).hex() for one in self._configs.good.values()],
        }
        with suppress(OSError):
            write_whole(self._path, json.dumps(kept).encode())

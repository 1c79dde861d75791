"""Names of devices: checks of external texts and numbers, and the key."""

from __future__ import annotations

from typing import Protocol

from edgeloop_contracts import DeviceKey
from edgeloop_contracts.keys import OfDevice
from edgeloop_contracts.plausibility import LONGEST_NAME, is_name
from edgeloop_errors import InvalidEventError

MAX_TEXT = 512
MAX_INT = 2**31 - 1
MAX_LONG = 2**63 - 1
MAX_EPOCH = 2**53 - 1  # a time in microseconds fits, and a device can always count on


class InadmissibleError(InvalidEventError):
    """The whole record is refused."""


class Named(OfDevice, Protocol):
    """Origin of a raw event."""

    @property
    def boot_epoch(self) -> int:
        """Number of the device's outbox."""
        ...


def device_key(event: Named) -> DeviceKey:
    """Key of an event's device.

    Raises
    ------
    InadmissibleError
        ``INVALID_NAME``: a name is empty, too long, has a slash or a control character, or the epoch is out of range.
    """
    for field, name in (("tenant", event.tenant), ("stream", event.stream), ("device_id", event.device_id)):
        if not is_name(name):
            shown = name if len(name) <= LONGEST_NAME else f"{name[:40]}… ({len(name)} characters)"
            raise InadmissibleError(
                "INVALID_NAME", f"{field}: expected 1 to {LONGEST_NAME} printable characters without '/', given {shown!r}"
            )
    check_number("boot_epoch", event.boot_epoch, 0, MAX_EPOCH, "INVALID_NAME")
    return DeviceKey.of(event)


def check_text(field: str, text: str) -> None:
    """Refuse a free text that is too long to be stored with every row.

    Raises
    ------
    InadmissibleError
        ``TOO_LARGE``.
    """
    if len(text) > MAX_TEXT:
        raise InadmissibleError("TOO_LARGE", f"{field}: expected at most {MAX_TEXT} characters, given {len(text)}")


def check_number(field: str, value: int, low: int, high: int, reason: str) -> None:
    """Refuse an integer outside ``[low, high]``.

    Python's integers are unbounded and an Avro decoder may give any, but an emitted value has to fit into its type.

    Raises
    ------
    InadmissibleError
        ``reason``.
    """
    if not low <= value <= high:
        raise InadmissibleError(reason, f"{field}: expected {_number(low)} to {_number(high)}, given {value}")


def _number(value: int) -> str:
    """A bound, in the usual notation for bounds of types."""
    return {MAX_INT: "2^31 - 1", MAX_EPOCH: "2^53 - 1", MAX_LONG: "2^63 - 1"}.get(value, str(value))

"""What names a device: checks on texts from outside, and the key made of them."""

from __future__ import annotations

from typing import Protocol

MAX_NAME = 200
MAX_TEXT = 512
MAX_LONG = 2**63 - 1


class Inadmissible(Exception):
    """The whole record is refused.

    Parameters
    ----------
    reason
        Typed reason in capitals.
    message
        What, where, expected and given.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(f"{reason}: {message}")
        self.reason = reason
        self.message = message


class Named(Protocol):
    """What every raw event says of its origin."""

    @property
    def tenant(self) -> str:
        """Owner of the stream."""
        ...

    @property
    def stream(self) -> str:
        """Name of the stream."""
        ...

    @property
    def device_id(self) -> str:
        """Name of the device."""
        ...

    @property
    def boot_epoch(self) -> int:
        """Number of the device's outbox."""
        ...


def device_key(event: Named) -> str:
    """Key ``tenant/stream/device`` of an event.

    Raises
    ------
    Inadmissible
        ``INVALID_NAME``: a name is empty, too long, has a slash or a control character, or the epoch is negative.
    """
    for field, name in (("tenant", event.tenant), ("stream", event.stream), ("device_id", event.device_id)):
        if not name or len(name) > MAX_NAME or "/" in name or not name.isprintable():
            shown = name if len(name) <= MAX_NAME else f"{name[:40]}… ({len(name)} characters)"
            raise Inadmissible("INVALID_NAME", f"{field}: expected 1 to {MAX_NAME} printable characters without '/', given {shown!r}")
    if event.boot_epoch < 0:
        raise Inadmissible("INVALID_NAME", f"boot_epoch: expected 0 or more, given {event.boot_epoch}")
    return f"{event.tenant}/{event.stream}/{event.device_id}"


def check_text(field: str, text: str) -> None:
    """Refuse a free text that is too long to be carried on with every row.

    Raises
    ------
    Inadmissible
        ``TOO_LARGE``.
    """
    if len(text) > MAX_TEXT:
        raise Inadmissible("TOO_LARGE", f"{field}: expected at most {MAX_TEXT} characters, given {len(text)}")

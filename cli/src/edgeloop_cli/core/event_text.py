"""Events as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from edgeloop_contracts import Event
from edgeloop_kafka import default_event

LONG = 48


def moment(timestamp: int) -> str:
    """A record's time, to the millisecond, in UTC.

    >>> moment(1_700_000_000_123)
    '2023-11-14T22:13:20.123Z'
    >>> moment(2**62)
    '4611686018427387904 ms'
    """
    if not 0 <= timestamp < 253_402_300_800_000:  # no year that a calendar here knows
        return f"{timestamp} ms"
    return datetime.fromtimestamp(timestamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: Any) -> Any:
    """A value as JSON takes it: bytes as text where they are text, else as hexadecimal digits."""
    match value:
        case bytes():
            return value.decode() if value.isascii() and value.decode("ascii").isprintable() else f"0x{value.hex()}"
        case Mapping():
            return {str(key): plain(item) for key, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
        case _:
            return value


def printable(text: str) -> str:
    r"""A text in which nothing steers a terminal: what does not print is told by its number.

    >>> printable("red"), printable(chr(27) + "[31mred")
    ('red', '\\x1b[31mred')
    """
    return text if text.isprintable() else "".join(one if one.isprintable() else ascii(one)[1:-1] for one in text)


def brief(value: Any) -> str:
    """A value in one line.

    >>> brief(tuple(range(100))), brief(b"x" * 500), brief({"a": 0.25})
    ('[0, 1, 2, … 100 in all]', '500 bytes', '{a: 0.25}')
    """
    match value:
        case bytes():
            return brief(plain(value)) if len(value) <= LONG else f"{len(value)} bytes"
        case str():
            return printable(value if len(value) <= LONG else f"{value[: LONG - 1]}…")
        case float():
            return f"{value:.6g}"
        case Mapping():
            return "{" + ", ".join(f"{key}: {brief(item)}" for key, item in value.items()) + "}"
        case list() | tuple():
            shown = ", ".join(brief(item) for item in value[:3])
            return f"[{shown}, … {len(value)} in all]" if len(value) > 3 else f"[{shown}]"
        case _:
            return str(value)


def set_fields(event: Event) -> dict[str, Any]:
    """Fields of an event that say something: those that stand at their default are left out."""
    nothing = default_event(type(event)).as_dict()
    return {name: value for name, value in event.as_dict().items() if value != nothing[name]}


def causation(headers: Mapping[str, bytes]) -> dict[str, str]:
    """Headers as text."""
    return {name: value.decode("utf-8", "replace") for name, value in headers.items()}

"""Filters for dead letters, and bytes as hexadecimal lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_UNITS = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_AGE = re.compile(r"^(\d{1,9})([smhd])$")
_PLACE = re.compile(r"^(?:deadletters\.)?([a-z]+)/(\d{1,6})/(\d{1,18})$")


def age_ms(text: str) -> int:
    """An age such as ``90s``, ``15m``, ``2h`` or ``3d`` in milliseconds.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> age_ms("2h")
    7200000
    """
    found = _AGE.match(text.strip())
    if found is None:
        raise ValueError(f"expected an age such as 90s, 15m, 2h or 3d, given {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def place_of(text: str) -> tuple[str, int, int]:
    """Service, partition and offset of a letter's place.

    Raises
    ------
    ValueError
        It is none.

    Examples
    --------
    >>> place_of("deadletters.ingestion/3/17"), place_of("ingestion/3/17")
    (('ingestion', 3, 17), ('ingestion', 3, 17))
    """
    found = _PLACE.match(text.strip())
    if found is None:
        raise ValueError(f"expected a place such as deadletters.ingestion/0/17, given {text!r}")
    return found[1], int(found[2]), int(found[3])


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Selection of letters; an empty field selects all.

    Attributes
    ----------
    reason
        Typed reason, in any case.
    stream
        ``tenant/stream``, or the name of a stream of the tenant ``default``.
    topic
        Where the record lay.
    since, until
        When the letter was written, milliseconds.
    places
        Partitions and offsets.
    """

    reason: str = ""
    stream: str = ""
    topic: str = ""
    since: int = 0
    until: int | None = None
    places: frozenset[tuple[int, int]] = frozenset()

    def takes(self, reason: str, stream: str, topic: str, timestamp: int, place: tuple[int, int]) -> bool:
        """Whether a letter is meant.

        Parameters
        ----------
        stream
            ``tenant/stream``; empty where its record does not tell.
        """
        return (
            self.reason.upper() in ("", reason.upper())
            and (not self.stream or stream == (self.stream if "/" in self.stream else f"default/{self.stream}"))
            and self.topic in ("", topic)
            and timestamp >= self.since
            and (self.until is None or timestamp <= self.until)
            and (not self.places or place in self.places)
        )


def hex_lines(data: bytes, most: int = 512) -> Iterator[str]:
    """Bytes in lines of sixteen, with their text beside them.

    Examples
    --------
    >>> list(hex_lines(b"no avro"))
    ['00000000  6e 6f 20 61 76 72 6f                              no avro']
    """
    for at in range(0, min(len(data), most), 16):
        part = data[at : min(at + 16, most)]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"{at:08x}  {part.hex(' '):<48}  {text}".rstrip()
    if len(data) > most:
        yield f"… {len(data) - most:,} bytes more"


def stream_of(key: bytes) -> str:
    """``tenant/stream`` of a key that names a device or a stream; empty for any other.

    Examples
    --------
    >>> stream_of(b"acme/pumps/p1"), stream_of(b"pumps")
    ('acme/pumps', '')
    """
    parts = key.decode("utf-8", "replace").split("/")
    return "/".join(parts[:2]) if len(parts) in (2, 3) and all(parts) else ""

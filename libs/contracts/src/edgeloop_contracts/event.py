"""What every generated event has in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self


class Event(Protocol):
    """One Avro record: a frozen dataclass that carries its own schema."""

    SCHEMA: ClassVar[str]
    FULLNAME: ClassVar[str]

    def as_dict(self) -> dict[str, Any]:
        """Fields as an Avro encoder takes them: records as dicts, enums as text, arrays as lists."""
        ...

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Make the event from what an Avro decoder gives, in which every field is present."""
        ...

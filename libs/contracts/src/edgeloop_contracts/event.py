"""The common base of generated events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self


class Event(Protocol):
    """One Avro record: a frozen dataclass that carries its own schema.

    Attributes
    ----------
    SCHEMA
        Avro schema without docs, for reading and writing. ``registered`` holds the text for the schema registry.
    FULLNAME
        Namespace and name.
    IDENTITY
        Fields that identify the record. A writer's schema without one of them is refused.
    EITHER
        Groups of fields, at least one of which must be complete. The first field of a group is the one that the others belong to.
    UNKNOWN
        Fields whose default means unknown, so that null is read as the default.
    """

    SCHEMA: ClassVar[str]
    FULLNAME: ClassVar[str]
    IDENTITY: ClassVar[tuple[str, ...]]
    EITHER: ClassVar[tuple[tuple[str, ...], ...]]
    UNKNOWN: ClassVar[tuple[str, ...]]

    def as_dict(self) -> dict[str, Any]:
        """Fields as an Avro encoder takes them: records as dicts, enums as text, arrays as lists."""
        ...

    def fault(self) -> str:
        """Name of the first field with an integer beyond an Avro int, or ``""``. The encoder checks longs."""
        ...

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Make the event from the fields of an Avro decoder, all of which are present."""
        ...

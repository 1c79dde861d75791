"""The common base of generated events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Protocol, Self


class Event(Protocol):
    """One Avro record: a frozen dataclass that carries its own schema.

    Attributes
    ----------
    SCHEMA
        Avro schema without docs, as it is read and written with; what a registry is given stands in ``registered``.
    FULLNAME
        Namespace and name.
    IDENTITY
        Fields that say whose record it is: a writer's schema without one of them is refused.
    EITHER
        Groups of fields of which one group has to be there, each headed by the field that its others belong to.
    UNKNOWN
        Fields whose default says that they are unknown, so that a null can be read as it.
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
        """Name of the first field whose integer is beyond its Avro type, or ``""``. Of longs the encoder knows."""
        ...

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> Self:
        """Make the event from what an Avro decoder gives, in which every field is present."""
        ...

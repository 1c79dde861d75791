"""Subjects of measurements."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

UNGROUPED = "default"


@dataclass(frozen=True, slots=True, order=True)
class Subject:
    """A stream, or a part of it.

    Attributes
    ----------
    tenant, stream
        The stream.
    group
        A device group, or ``""`` for all devices.
    version
        A model version, or 0 for all.
    """

    tenant: str
    stream: str
    group: str = ""
    version: int = 0


class Groups:
    """Sorts devices into groups by the beginnings of their names.

    Parameters
    ----------
    prefixes
        Names of groups; a device belongs to the longest that its name starts with.

    >>> groups = Groups(["line-a", "line-a-test"])
    >>> groups.of("line-a-7"), groups.of("line-a-test-1"), groups.of("oven")
    ('line-a', 'line-a-test', 'default')
    """

    def __init__(self, prefixes: Iterable[str] = ()) -> None:
        self._prefixes = sorted(prefixes, key=len, reverse=True)

    def of(self, device_id: str) -> str:
        """Group of a device."""
        return next((prefix for prefix in self._prefixes if device_id.startswith(prefix)), UNGROUPED)

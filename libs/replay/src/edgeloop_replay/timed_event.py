"""Events with the time and place of their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Timed:
    """An event with the time of its record, milliseconds, and its ids."""

    event: Any
    timestamp: int
    id: str
    at: str

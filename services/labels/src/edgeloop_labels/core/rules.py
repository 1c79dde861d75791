"""Bounds of the label join."""

from __future__ import annotations

from dataclasses import dataclass

HOUR_MS = 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Bounds in record time and bytes.

    Attributes
    ----------
    horizon_ms, horizon_bytes
        Age and bytes beyond which pending observations expire.
    patience_ms
        Longest time that a label waits for its observation.
    """

    horizon_ms: int = 24 * HOUR_MS
    horizon_bytes: int = 1 << 30
    patience_ms: int = HOUR_MS // 6

"""Bounds of a device's configuration, by which the fleet refuses a command and the device a record."""

from __future__ import annotations

SCHEMA_VERSION = 1
"""Version of the configuration's meaning that this release knows."""
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LEAST_OUTBOX_ROWS = 256
LEAST_OUTBOX_BYTES = 64 << 10
LEAST_BANDWIDTH = 1_000  # bytes a second
HEARTBEAT_S = (1, 3_600)  # least and most

"""Directories of cached programs and data, and their free space."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from edgeloop_local.errors import DiskFullError

DEFAULT_DATA_DIR = Path(".edgeloop")
NEEDED_FREE_BYTES = 2**30
"""A first start takes some 350 MB for programs. Kafka's logs need more."""


def cache_dir() -> Path:
    """
    Return the directory of downloaded programs, which all checkouts of a user share.

    Returns
    -------
    pathlib.Path
        ``$EDGELOOP_CACHE``, else ``edgeloop`` in the platform's cache directory. It may not exist yet.
    """
    if chosen := os.environ.get("EDGELOOP_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "edgeloop" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgeloop"


def require_free_space(where: Path, needed: int) -> None:
    """
    Refuse a directory whose disk is nearly full.

    Raises
    ------
    DiskFullError
        Fewer than `needed` bytes are free.
    """
    existing = where.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DiskFullError(where, needed, free)

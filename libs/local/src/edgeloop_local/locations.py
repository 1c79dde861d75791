"""Where files are kept, and whether there is room for them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from edgeloop_local.errors import DiskFullError

DEFAULT_DATA_DIR = Path(".edgeloop")
NEEDED_FREE_BYTES = 2**30
"""A first start takes some 350 MB for programs; Kafka's logs need room beyond."""


def cache_dir() -> Path:
    """
    Give the directory of downloaded programs, shared by all checkouts of one user.

    Returns
    -------
    pathlib.Path
        ``$EDGELOOP_CACHE`` or else ``edgeloop`` in the platform's cache directory. It may not exist yet.
    """
    if chosen := os.environ.get("EDGELOOP_CACHE"):
        return Path(chosen).expanduser().absolute()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / "edgeloop" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "edgeloop"


def require_free_space(where: Path, needed: int) -> None:
    """
    Refuse to go on when a directory's disk is nearly full.

    Raises
    ------
    DiskFullError
        If fewer than `needed` bytes are free.
    """
    existing = where.absolute()
    while not existing.exists():
        existing = existing.parent
    free = shutil.disk_usage(existing).free
    if free < needed:
        raise DiskFullError(where, needed, free)

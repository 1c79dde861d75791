"""Format of the records in a data directory: a file beside Kafka's tells it, so that an older directory is refused before a start."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edgeloop_local.errors import RecordsFormatError
from edgeloop_local.files import write_whole

if TYPE_CHECKING:
    from pathlib import Path

RECORDS_FORMAT = 2
"""Of this release. Release 0.1 wrote format 1, and no file that says so."""
_FILE = "records-format"
_FIRST = 1


def require_format(data_dir: Path) -> None:
    """
    Note the format in a new data directory, and refuse a directory with records of another one; it is not changed then.

    Parameters
    ----------
    data_dir : pathlib.Path
        Data directory of a local stack.

    Raises
    ------
    RecordsFormatError
        Its records are of another release.
    """
    path = data_dir / _FILE
    if not any((data_dir / server).exists() for server in ("kafka", "registry")):
        write_whole(path, f"{RECORDS_FORMAT}\n")
        return
    text = path.read_text(encoding="utf-8").strip() if path.exists() else str(_FIRST)
    if text != str(RECORDS_FORMAT):
        raise RecordsFormatError(data_dir, text, RECORDS_FORMAT)

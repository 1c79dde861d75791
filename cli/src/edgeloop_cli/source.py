"""Reads the file that a run plays."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from edgeloop_cli.core.csv_table import BadTableError, StreamTable, parse
from edgeloop_cli.problems import Refused


def read_table(path: Path, label: str) -> StreamTable:
    """The table in a CSV file, gzipped or not.

    Raises
    ------
    Refused
        It cannot be read, or cannot be played; one line that names file, row and column.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
        return parse(io.StringIO(text, newline=""), label)
    except BadTableError as error:
        raise Refused(f"{path}: {error}") from None
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Refused(f"{path}: line {line}: expected text in UTF-8, given the byte 0x{error.object[error.start]:02x}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise Refused(f"{path}: the gzip file is broken: {error}") from None
    except OSError as error:
        raise Refused(f"{path}: {error.strerror or error}") from None


def name_of(path: Path) -> str:
    """Name of the data: the file's, without what it ends with."""
    return path.name.removesuffix(".gz").removesuffix(".csv") or "stream"

"""CSV files, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from edgeloop_replay.errors import BadTableError
from edgeloop_replay.tables.csv_options import MISSING, CsvOptions
from edgeloop_replay.tables.stream_table import StreamTable, check_definition, parse
from edgeloop_replay.task import Task


def read_stream(
    path: Path | str,
    label: str,
    *,
    task: Task = Task.CLASSIFICATION,
    time: str = "",
    drop: Sequence[str] = (),
    category: Sequence[str] = (),
    missing: Sequence[str] = MISSING,
) -> StreamTable:
    """The rows of a CSV file, gzipped or not, in the order of the file.

    Every column but ``label``, ``time`` and those in ``drop`` is a feature: a number, or a category where its cells are texts.

    Parameters
    ----------
    label
        Column of the label; empty cells are rows without a label.
    task
        ``REGRESSION`` if labels are numbers; then pass it to :func:`edgeloop_replay.setting_of`, too.
    time
        Column of the event time.
    drop
        Columns to leave out.
    category
        Columns of categories that look like numbers.
    missing
        Texts that stand for a missing value, besides empty cells and ``nan``.

    Raises
    ------
    BadTableError
        The file cannot be read or played; the message names file, row and column.
    """
    numbers = task is Task.REGRESSION
    options = CsvOptions(label=label, numbers=numbers, time=time, drop=tuple(drop), category=tuple(category), missing=tuple(missing))
    return read_table(Path(path), options)


def read_table(path: Path, reading: CsvOptions) -> StreamTable:
    """The table in a CSV file, gzipped or not; whether a regression's labels are numbers is seen later, with its tolerance.

    Raises
    ------
    BadTableError
        It cannot be read, or cannot be played; names file, row and column, and the options that help.
    """
    try:
        # Line by line: what is wrong at the beginning is told before all of a large file is read.
        with _opened(path) as data, io.TextIOWrapper(data, encoding="utf-8-sig", newline="") as lines:
            table = parse(lines, reading)
        if not reading.numbers:
            check_definition(table)
    except BadTableError as error:
        raise BadTableError(f"{path}: {error}") from None
    except UnicodeDecodeError:
        raise BadTableError(f"{path}: {_first_bad(path)}") from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadTableError(f"{path}: the gzip file is broken: {error}") from None
    except OSError as error:
        raise BadTableError(f"{path}: {error.strerror or error}") from None
    return table


def name_of(path: Path) -> str:
    """Name of the data: the file's, without what it ends with."""
    return path.name.removesuffix(".gz").removesuffix(".csv") or "stream"


@contextmanager
def _opened(path: Path) -> Generator[BinaryIO | gzip.GzipFile]:
    with path.open("rb") as file:
        if file.peek(2)[:2] != b"\x1f\x8b":  # a pipe can be read only once
            yield file
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked


def _first_bad(path: Path) -> str:
    """Place where a file ceases to be text."""
    expected = "expected text in UTF-8"
    if not path.is_file():
        return expected
    with _opened(path) as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return f"line {number}: {expected}, given the byte 0x{line[error.start]:02x}"
    return expected

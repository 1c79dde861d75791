"""Received parts of models that are still being fetched, on disk."""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk that has come.

    Attributes
    ----------
    offset
        Its place in the topic.
    """

    offset: int
    data: bytes


class Partials:
    """Chunks by the digest of their file; they outlast cuts and restarts.

    Each lies in a file whose name has its own digest, so that one that was not written whole is none. The file as a whole is verified
    by who fetches it. A full disk costs what it could not take, and no more.

    Parameters
    ----------
    folder
        Made when there is something to keep.
    most_bytes
        Of all files together; the longest untouched goes first.

    Attributes
    ----------
    read_to
        By digest: offset behind the last record that was looked at. It saves reading what lies between the chunks again, and a restart may
        forget it.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self.read_to: dict[str, int] = {}

    def begin(self, digest: str, size: int) -> dict[int, Part]:
        """Make room for a file, and give back by index what has come of it."""
        others = [path for path in self._folder.glob("*") if path.name != digest]
        others.sort(key=lambda path: path.stat().st_mtime)
        while others and size + sum(map(_bytes_in, others)) > self._most_bytes:
            shutil.rmtree(others.pop(0), ignore_errors=True)
        found: dict[int, Part] = {}
        for path in (self._folder / digest).glob("*-*-*"):
            index, offset, own = path.name.split("-")
            with suppress(OSError, ValueError):
                data = path.read_bytes()
                if hashlib.sha256(data).hexdigest() == own:
                    found[int(index)] = Part(int(offset), data)
                else:
                    path.unlink()
        return found

    def put(self, digest: str, index: int, part: Part) -> None:
        """Keep a chunk."""
        folder = self._folder / digest
        with suppress(OSError):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"{index}-{part.offset}-{hashlib.sha256(part.data).hexdigest()}").write_bytes(part.data)

    def drop(self, digest: str) -> None:
        """Forget a file: it is whole, or cannot become it."""
        self.read_to.pop(digest, None)
        shutil.rmtree(self._folder / digest, ignore_errors=True)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*"))

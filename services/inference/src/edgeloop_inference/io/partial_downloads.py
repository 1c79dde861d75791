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

    Each chunk is a file named by its own digest, so an incomplete one is ignored. The fetching code verifies the whole model file. A full
    disk loses only the chunks that did not fit.

    Parameters
    ----------
    folder
        Made when there is something to keep.
    most_bytes
        Most bytes of all files together; the oldest is removed first.

    Attributes
    ----------
    read_to
        By digest: offset after the last record that was read. It avoids reading other records again, and a restart may lose it.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes
        self.read_to: dict[str, int] = {}

    def begin(self, digest: str, size: int) -> dict[int, Part]:
        """Make room for a file, and give back its received chunks by index."""
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
        """Remove a file that is complete, or cannot be completed."""
        self.read_to.pop(digest, None)
        shutil.rmtree(self._folder / digest, ignore_errors=True)


def _bytes_in(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*"))

"""The choice of earlier model files that a device keeps, so that a recalled version need not be fetched."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

FILES = 9
"""Of a stream: the newest version's, and as many archived ones as the trainer recalls by default."""
BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """A file.

    Attributes
    ----------
    version
        The newest version that is this file.
    digest
        SHA-256, hex.
    size
        Bytes.
    """

    version: int
    digest: str
    size: int


def kept_files(held: Iterable[ArchivedFile], newcomer: ArchivedFile, most_bytes: int = BYTES) -> tuple[ArchivedFile, ...]:
    """Archive of one stream after a new file, newest version first: at most ``FILES`` files of ``most_bytes`` together.

    Examples
    --------
    >>> held = kept_files(kept_files((), ArchivedFile(1, "a", 40)), ArchivedFile(2, "b", 30))
    >>> [file.digest for file in kept_files(held, ArchivedFile(3, "a", 40))]
    ['a', 'b']
    >>> [file.digest for file in kept_files(held, ArchivedFile(3, "c", 40), most_bytes=100)]
    ['c', 'b']
    """
    files: dict[str, ArchivedFile] = {}
    for file in sorted((*held, newcomer), key=lambda file: -file.version):
        files.setdefault(file.digest, file)
    kept: list[ArchivedFile] = []
    room = most_bytes
    for file in list(files.values())[:FILES]:
        if file.size <= room:
            room -= file.size
            kept.append(file)
    return tuple(kept)

"""Files of earlier versions on disk, by what is in them."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from edgeloop_inference.core.archive_plan import ArchivedFile, kept_files
from edgeloop_inference.io.files import write_whole

SUFFIX = ".onnx"


class Archive:
    """The newest files of each stream; what is taken from here is verified as if it had been fetched.

    Parameters
    ----------
    folder
        Made when there is something to keep.
    most_bytes
        Of one stream's files; 0 to keep none.
    """

    def __init__(self, folder: Path, most_bytes: int) -> None:
        self._folder = folder
        self._most_bytes = most_bytes

    def get(self, stream: str, digest: str) -> bytes | None:
        """A file; ``None`` if it is not here, or no longer what it was."""
        for file in self._held(stream):
            if file.digest == digest:
                try:
                    data = self._path(stream, file).read_bytes()
                except OSError:
                    return None
                return data if hashlib.sha256(data).hexdigest() == digest else None
        return None

    def put(self, stream: str, version: int, digest: str, data: bytes) -> None:
        """Keep the file of a version, and no more than there is room for."""
        before = self._held(stream)
        newcomer = ArchivedFile(version, digest, len(data))
        kept = kept_files(before, newcomer, self._most_bytes)
        if newcomer in kept and newcomer not in before:
            with suppress(OSError):  # a full disk costs a fetch some day; it must not cost a version now
                self._of(stream).mkdir(parents=True, exist_ok=True)
                write_whole(self._path(stream, newcomer), data)
        for file in before:
            if file not in kept:
                self._path(stream, file).unlink(missing_ok=True)

    def _held(self, stream: str) -> list[ArchivedFile]:
        found: list[ArchivedFile] = []
        for path in self._of(stream).glob(f"*-*{SUFFIX}"):
            version, _, digest = path.name.removesuffix(SUFFIX).partition("-")
            if version.isdigit():
                found.append(ArchivedFile(int(version), digest, path.stat().st_size))
        return found

    def _of(self, stream: str) -> Path:
        return self._folder / quote(stream, safe="")

    def _path(self, stream: str, file: ArchivedFile) -> Path:
        return self._of(stream) / f"{file.version}-{file.digest}{SUFFIX}"

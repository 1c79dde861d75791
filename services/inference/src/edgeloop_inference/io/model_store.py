"""Verified models on disk."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote

from edgeloop_errors import InvalidError

from edgeloop_inference.io.files import write_whole

MAGIC = b"edgeloop model 1\n"
SUFFIX = ".model"


class BrokenFileError(InvalidError):
    """A file of the store is not what the store writes."""


@dataclass(frozen=True, slots=True)
class Package:
    """A model with what proves where it comes from.

    Attributes
    ----------
    statement, signature, model
        As the registry signed them.
    serial
        Of the assignment that brought it; 0 for a member of a mixture.
    """

    statement: bytes
    signature: bytes
    model: bytes
    serial: int = 0


class ModelStore:
    """Models by name: the last installed one of each stream, or the members of a mixture.

    One file holds model, statement and signature, so a crash leaves the old package or the new one.

    Parameters
    ----------
    folder
        Made if absent.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder

    def save(self, name: str, package: Package) -> None:
        """Keep a package in place of the last one of that name; it is on disk when this returns."""
        head = {"statement": _text(package.statement), "signature": _text(package.signature), "serial": package.serial}
        write_whole(self._path(name), MAGIC + json.dumps(head).encode() + b"\n" + package.model)

    def names(self) -> Iterator[str]:
        """Names that have a package."""
        for path in sorted(self._folder.glob(f"*{SUFFIX}")):
            yield unquote(path.name.removesuffix(SUFFIX))

    def load(self, name: str) -> Package:
        """Read a package; nothing of it has been verified.

        Raises
        ------
        BrokenFileError
            The file cannot be read.
        """
        path = self._path(name)
        try:
            magic, head, model = path.read_bytes().split(b"\n", 2)
            if magic + b"\n" != MAGIC:
                raise BrokenFileError(f"{path}: expected {MAGIC!r} at its beginning, given {magic[:40]!r}")
            fields = json.loads(head)
            serial = int(fields.get("serial", 0))  # packages of earlier releases have none
            return Package(base64.b64decode(fields["statement"]), base64.b64decode(fields["signature"]), model, serial)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BrokenFileError(f"{path}: {error!r}") from error

    def keep(self, names: Iterable[str]) -> None:
        """Remove all packages but those of these names."""
        wanted = set(names)
        for name in list(self.names()):
            if name not in wanted:
                self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{quote(name, safe='')}{SUFFIX}"


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()

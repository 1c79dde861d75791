"""Stream definitions on disk, and the secret behind the device's pseudonyms."""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

from edgeloop_admission import SALT_BYTES
from edgeloop_contracts import Feature, StreamDefinition
from edgeloop_errors import FatalError

from edgeloop_inference.core.row_admission import RowAdmission
from edgeloop_inference.io.files import write_whole


class BrokenSaltError(FatalError):
    """The salt cannot be used; pseudonyms would be others than before."""


class Definitions:
    """Definitions of the device's streams. They are on disk, so a restarted device without a network checks and masks as before.

    A lookup takes one dictionary read; any thread may ask, one thread brings new ones.

    Parameters
    ----------
    folder
        Where they are kept; made if absent.
    salt
        Secret of the device.
    """

    def __init__(self, folder: Path, salt: bytes) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._salt = salt
        self._admissions: dict[str, RowAdmission] = {}
        for path in folder.glob("*.json"):
            with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):  # a broken file is as none: the topic has it again
                self._hold(_read(path))

    def learn(self, definition: StreamDefinition) -> None:
        """Apply a stream's newest definition at once. With a full disk, a restart reads it from its topic."""
        if (admission := self._admissions.get(definition.stream)) is not None and admission.definition == definition:
            return
        self._hold(definition)
        with suppress(OSError):
            write_whole(self._path(definition.stream), json.dumps(definition.as_dict()).encode())

    def get(self, stream: str) -> StreamDefinition | None:
        """Definition of a stream, if it is known."""
        admission = self._admissions.get(stream)
        return None if admission is None else admission.definition

    def admission(self, stream: str) -> RowAdmission | None:
        """Rules and masks of a stream, if it is known."""
        return self._admissions.get(stream)

    def _hold(self, definition: StreamDefinition) -> None:
        self._admissions = {**self._admissions, definition.stream: RowAdmission(definition, self._salt)}

    def _path(self, stream: str) -> Path:
        return self._folder / f"{quote(stream, safe='')}.json"


def device_salt(path: Path) -> bytes:
    """The device's salt; made at its first start, for this device's user alone.

    Raises
    ------
    BrokenSaltError
        The file holds something else, or cannot be made.
    """
    try:
        if not path.exists():
            write_whole(path, secrets.token_bytes(SALT_BYTES), mode=0o600)
        path.chmod(0o600)
        salt = path.read_bytes()
    except OSError as error:
        raise BrokenSaltError(f"salt {path}: {error}") from error
    if len(salt) != SALT_BYTES:
        raise BrokenSaltError(
            f"salt {path}: expected {SALT_BYTES} bytes, given {len(salt)}; without the file a new one is made, and pseudonyms are others"
        )
    return salt


def _read(path: Path) -> StreamDefinition:
    """A definition that another release may have written: missing fields have their defaults."""
    given = cast("dict[str, Any]", json.loads(path.read_bytes()))
    features = [Feature().as_dict() | feature for feature in given["features"]]
    return StreamDefinition.from_dict(StreamDefinition(tenant="default", stream="").as_dict() | given | {"features": features})

"""The device's own key, and the token with which it asks to be enrolled."""

from __future__ import annotations

from pathlib import Path

from edgeloop_errors import FatalError
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.enrolment import BadTokenError, Token
from edgeloop_signing.keys import Role, UnusableKeyError, generate_keys, load_signer
from pydantic import SecretStr


class BrokenIdentityError(FatalError):
    """The device's key cannot be used; it would be another device with a new one."""


def device_key_files(folder: Path) -> tuple[Path, Path]:
    """Private and public key of a device, made at its first start; the private one is readable for the device's user alone.

    Raises
    ------
    BrokenIdentityError
        The files can be neither made nor read.
    """
    try:
        pair = generate_keys(folder, Role.DEVICE)
    except (OSError, UnusableKeyError) as error:
        raise BrokenIdentityError(f"key of the device in {folder}: {error}") from error
    return pair.private, pair.public


def device_signer(folder: Path) -> RecordSigner:
    """Signer with the device's key; see :func:`device_key_files`."""
    private, _ = device_key_files(folder)
    try:
        private.chmod(0o600)
        return RecordSigner(load_signer(private, "key of the device"))
    except (OSError, UnusableKeyError) as error:
        raise BrokenIdentityError(str(error)) from error


def token_of(token: SecretStr | None, file: Path | None) -> Token | None:
    """Token of a device; ``None`` where it has none.

    Raises
    ------
    BadTokenError
        The file cannot be read, or the text is no token.
    """
    if token is not None:
        return Token.parse(token.get_secret_value())
    if file is None:
        return None
    try:
        return Token.parse(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise BadTokenError(f"EDGELOOP_INFERENCE_TOKEN_FILE: {file} cannot be read: {error}") from error

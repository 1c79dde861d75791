"""The key that a device trusts."""

from __future__ import annotations

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from edgeloop_inference.core.admission import Reason, Refusal
from edgeloop_inference.core.statement import Statement, StatementError, parse


class TrustError(Exception):
    """The trust file holds no key that can be used."""


class Trust:
    """Verifies statements with one Ed25519 key.

    Parameters
    ----------
    key
        Public key of the registry.
    """

    def __init__(self, key: Ed25519PublicKey) -> None:
        self._key = key

    @classmethod
    def from_file(cls, path: Path) -> Trust:
        """Read the trust file: a PEM public key, given to the device at enrolment.

        Raises
        ------
        TrustError
            The file cannot be read or holds something else.
        """
        try:
            key = load_pem_public_key(path.read_bytes())
        except (OSError, ValueError) as error:
            raise TrustError(f"trust file {path}: {error}") from error
        if not isinstance(key, Ed25519PublicKey):
            raise TrustError(f"trust file {path}: expected an Ed25519 public key, given {type(key).__name__}")
        return cls(key)

    def verified(self, statement: bytes, signature: bytes) -> Statement:
        """Give back the statement once its signature holds.

        Raises
        ------
        Refusal
            ``SIGNATURE``: not signed by the trusted key over these bytes, or these bytes are no statement.
        """
        try:
            self._key.verify(signature, statement)
            return parse(statement)
        except InvalidSignature as error:
            raise Refusal(Reason.SIGNATURE, "the statement is not signed by the key that this device trusts") from error
        except StatementError as error:
            raise Refusal(Reason.SIGNATURE, str(error)) from error

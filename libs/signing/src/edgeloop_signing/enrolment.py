"""Tokens for enrolment: their text, and the proof by which a device shows that it holds one.

A token is an Ed25519 key pair. The person who issues it keeps the private part, as a text; Kafka holds the public part alone.
A device that holds the text signs its own name and public key with it. So what lies in Kafka enrols nobody else.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from edgeloop_errors import InvalidError

from edgeloop_signing.keys import public_key_id, signed_by
from edgeloop_signing.statements import canonical

PREFIX = "edgeloop-token:"
KEY_BYTES = 32
PROOF_BYTES = 64
_LAST = KEY_BYTES - 1
_WITHOUT_SIGN = 0x7F
_SMALL_ORDER = frozenset(
    bytes.fromhex(text)
    for text in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""Points whose order divides 8, with their sign cleared, as in libsodium's ``ge25519_has_small_order``."""


class BadTokenError(InvalidError, ValueError):
    """The text is no token."""


def usable_key(public_key: bytes) -> bool:
    """Whether bytes are an Ed25519 public key that can tell signers apart.

    A key of small order does not tell signers apart (RFC 8032, section 8).

    >>> usable_key(b"short"), usable_key(bytes(32)), usable_key(Token.of(bytes(32)).public_key)
    (False, False, True)
    """
    if len(public_key) != KEY_BYTES:
        return False
    return public_key[:_LAST] + bytes([public_key[_LAST] & _WITHOUT_SIGN]) not in _SMALL_ORDER


def enrolment_statement(tenant: str, device_id: str, public_key: bytes) -> bytes:
    """The canonical JSON that a token signs; no statement of another role has its ``kind``.

    >>> enrolment_statement("default", "p1", bytes(2))
    b'{"device_id":"p1","kind":"enrolment","public_key":"0000","tenant":"default"}'
    """
    return canonical({"device_id": device_id, "kind": "enrolment", "public_key": public_key.hex(), "tenant": tenant})


def proof_holds(token_key: bytes, tenant: str, device_id: str, public_key: bytes, proof: bytes) -> bool:
    """Whether a proof is the token's signature over this device and key.

    Parameters
    ----------
    token_key
        Public key of the token, 32 bytes.
    proof
        Signature, 64 bytes.
    """
    if not usable_key(token_key) or len(proof) != PROOF_BYTES:
        return False
    return signed_by([Ed25519PublicKey.from_public_bytes(token_key)], enrolment_statement(tenant, device_id, public_key), proof)


@dataclass(frozen=True, slots=True)
class Token:
    """The secret that lets devices enrol themselves.

    Attributes
    ----------
    key
        Its private key.
    """

    key: Ed25519PrivateKey

    @classmethod
    def new(cls) -> Self:
        """A token of fresh random bytes."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def of(cls, seed: bytes) -> Self:
        """The token of 32 secret bytes."""
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def parse(cls, text: str) -> Self:
        """The token in a text; spaces around it do not count.

        Raises
        ------
        BadTokenError
            The text has another form. The message does not repeat it, since it may be a damaged secret.

        Examples
        --------
        >>> Token.parse(Token.of(bytes(32)).text).text == Token.of(bytes(32)).text
        True
        """
        text = text.strip()
        if not text.startswith(PREFIX):
            raise BadTokenError(f"the token: expected {PREFIX} and 44 characters, given a text that begins otherwise")
        try:
            seed = base64.b64decode(text.removeprefix(PREFIX), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError) as error:
            raise BadTokenError(f"the token: expected base64 after {PREFIX}, given something else: {error}") from error
        if len(seed) != KEY_BYTES:
            raise BadTokenError(f"the token: expected {KEY_BYTES} bytes after {PREFIX}, given {len(seed)}")
        return cls.of(seed)

    @property
    def text(self) -> str:
        """The secret as a text.

        >>> Token.of(bytes(32)).text
        'edgeloop-token:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA='
        """
        return PREFIX + base64.urlsafe_b64encode(self.key.private_bytes_raw()).decode()

    @property
    def public_key(self) -> bytes:
        """Its public key, 32 bytes; this alone goes to Kafka."""
        return self.key.public_key().public_bytes_raw()

    @property
    def token_id(self) -> str:
        """Short name of its public key."""
        return public_key_id(self.public_key)

    def proof(self, tenant: str, device_id: str, public_key: bytes) -> bytes:
        """Signature by which a device shows that it holds this token, 64 bytes."""
        return self.key.sign(enrolment_statement(tenant, device_id, public_key))

    def __repr__(self) -> str:  # no secret in logs and tracebacks
        return f"Token({self.token_id})"

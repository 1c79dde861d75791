"""Signatures of records: the header by which a device or another producer proves that a record is its own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from edgeloop_signing.keys import Signer, signed_by

HEADER = "el_signature"
KEY_ID_BYTES = 8
SIGNATURE_BYTES = 64
_DOMAIN = b"edgeloop signed record 1\n"


def signed_message(topic: str, key: bytes, schema: bytes, body: bytes) -> bytes:
    r"""Bytes that a record's signature covers: a domain, then four parts, each behind its length.

    The domain keeps these bytes apart from every signed statement, the topic one use of a record from another, and the fingerprint
    a body from its reading with another schema. No two records have the same bytes, since each part has its length before it.

    Parameters
    ----------
    topic
        Name of the topic, without the prefix of an installation.
    key
        Key that the topic gives the event, such as ``tenant/stream/device``.
    schema
        Fingerprint of the writer's schema: SHA-256 of its parsing canonical form (Avro 1.12, "Parsing Canonical Form for Schemas").
    body
        Avro body, without the frame that names the schema in the registry.

    Examples
    --------
    >>> signed_message("labels.raw", b"a/b/c", b"F", b"B")
    b'edgeloop signed record 1\n\x00\x00\x00\nlabels.raw\x00\x00\x00\x05a/b/c\x00\x00\x00\x01F\x00\x00\x00\x01B'
    """
    parts = (topic.encode(), key, schema, body)
    return _DOMAIN + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


@dataclass(frozen=True, slots=True)
class RecordSigner:
    """Signs records with one key.

    Attributes
    ----------
    signer
        Key of the device or producer.
    """

    signer: Signer

    def __call__(self, topic: str, key: bytes, schema: bytes, body: bytes) -> dict[str, bytes]:
        """Headers of a record, to be added to its others; see :func:`signed_message`."""
        return {HEADER: bytes.fromhex(self.signer.key_id) + self.signer.sign(signed_message(topic, key, schema, body))}


@dataclass(frozen=True, slots=True)
class RecordSignature:
    """Content of the header.

    Attributes
    ----------
    key_id
        Name of the key, 16 hex digits.
    signature
        64 bytes.
    """

    key_id: str
    signature: bytes

    @classmethod
    def parse(cls, header: bytes) -> RecordSignature | None:
        """Signature in a header; ``None`` where the header has another size."""
        if len(header) != KEY_ID_BYTES + SIGNATURE_BYTES:
            return None
        return cls(header[:KEY_ID_BYTES].hex(), header[KEY_ID_BYTES:])

    def holds(self, public_key: bytes, message: bytes) -> bool:
        """Whether the signature is of that message and that key, 32 bytes; never for what is no key."""
        public = _loaded(public_key)
        return public is not None and signed_by([public], message, self.signature)


@lru_cache(maxsize=16_384)
def _loaded(public_key: bytes) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(public_key)
    except ValueError:
        return None

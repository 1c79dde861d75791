"""Signatures of records by a program of your own, with ``cryptography`` and ``fastavro`` alone (docs/fleet.md, "Signatures").

signer = RecordSigner(Path("maintenance-private.pem"))
producer.produce("labels.raw", key=key, value=value, headers=signer.headers("labels.raw", key, schema, value))
"""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from fastavro.schema import parse_schema, to_parsing_canonical_form

DOMAIN = b"edgeloop signed record 1\n"
FRAME = 5  # a zero byte and four bytes of schema id, which Confluent's serializers put before the Avro body


@cache
def fingerprint(schema: str) -> bytes:
    """SHA-256 of a schema's parsing canonical form."""
    return hashlib.sha256(to_parsing_canonical_form(parse_schema(json.loads(schema))).encode()).digest()


class RecordSigner:
    """Signs records with the private key in a PEM file."""

    def __init__(self, path: Path) -> None:
        key = load_pem_private_key(path.read_bytes(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise SystemExit(f"{path}: expected an Ed25519 private key, given a {type(key).__name__}")
        self._key = key
        self._key_id = hashlib.sha256(key.public_key().public_bytes_raw()).digest()[:8]

    def headers(self, topic: str, key: bytes, schema: str, value: bytes) -> dict[str, bytes]:
        """Header of a record of a raw topic.

        Parameters
        ----------
        topic
            Its name, without the prefix of an installation.
        key
            ``tenant/stream/device`` of the record.
        schema
            Text of the schema that it was written with.
        value
            Serialized record, with its schema id.
        """
        parts = (topic.encode(), key, fingerprint(schema), value[FRAME:])
        message = DOMAIN + b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return {"el_signature": self._key_id + self._key.sign(message)}

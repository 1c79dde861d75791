"""Signatures of records."""

from __future__ import annotations

from itertools import product

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_signing.device_signatures import HEADER, RecordSignature, RecordSigner, signed_message
from edgeloop_signing.keys import Signer, key_id

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = RecordSigner(Signer(KEY, key_id(KEY.public_key())))
PUBLIC = KEY.public_key().public_bytes_raw()
RECORD = ("observations.raw", b"acme/pumps/p1", bytes(32), b"body")
GOLDEN = (
    "56475aa75463474c6450ec77c72520c5907edc7613773be8"
    "282e6c74c8e0bca080a66159b70cf7100e8abdda199d4ac2"
    "4d20c3891848228d7cf5d644a74435bc6f403ff7e59ef60d"
)


def test_the_header_of_a_record_never_changes_between_releases() -> None:
    assert SIGNER(*RECORD) == {HEADER: bytes.fromhex(GOLDEN)}


def test_a_signature_holds_for_its_record_and_its_key_alone() -> None:
    found = RecordSignature.parse(SIGNER(*RECORD)[HEADER])
    assert found is not None
    assert found.key_id == SIGNER.signer.key_id
    assert found.holds(PUBLIC, signed_message(*RECORD))
    other = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
    assert not found.holds(other, signed_message(*RECORD))
    assert not found.holds(b"no key", signed_message(*RECORD))


@pytest.mark.parametrize(
    "changed",
    [
        ("labels.raw", *RECORD[1:]),
        (RECORD[0], b"acme/pumps/p2", *RECORD[2:]),
        (*RECORD[:2], bytes(31) + b"\1", RECORD[3]),
        (*RECORD[:3], b"bodx"),
        ("observations.ra", b"wacme/pumps/p1", *RECORD[2:]),
    ],
)
def test_a_signature_does_not_hold_for_another_topic_key_schema_or_body(changed: tuple[str, bytes, bytes, bytes]) -> None:
    found = RecordSignature.parse(SIGNER(*RECORD)[HEADER])
    assert found is not None
    assert not found.holds(PUBLIC, signed_message(*changed))


def test_no_two_records_have_the_same_message() -> None:
    texts = ["", "a", "aa", "\0\0\0\1a"]
    records = [(topic, key.encode(), schema.encode(), body.encode()) for topic, key, schema, body in product(texts, repeat=4)]
    assert len({signed_message(*record) for record in records}) == len(records)


@pytest.mark.parametrize("header", [b"", b"short", bytes(71), bytes(73)])
def test_a_header_of_another_size_is_no_signature(header: bytes) -> None:
    assert RecordSignature.parse(header) is None

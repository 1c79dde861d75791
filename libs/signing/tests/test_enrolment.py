"""Tokens and their proofs: the bytes stay what they are, and a proof fits one device and one key."""

from __future__ import annotations

import pytest
from edgeloop_signing.enrolment import (
    _SMALL_ORDER,
    BadTokenError,
    Token,
    enrolment_statement,
    proof_holds,
    usable_key,
)
from edgeloop_signing.keys import public_key_id

TOKEN = Token.of(bytes(range(32)))
KEY = Token.of(bytes(range(1, 33))).public_key  # a device's own
PROOF = TOKEN.proof("acme", "p1", KEY)


def test_a_proof_has_golden_bytes() -> None:
    assert TOKEN.text == "edgeloop-token:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    assert TOKEN.public_key.hex() == "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    assert TOKEN.token_id == "56475aa75463474c"
    assert enrolment_statement("acme", "p1", KEY) == (
        b'{"device_id":"p1","kind":"enrolment","public_key":"79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664","tenant":"acme"}'
    )
    assert PROOF.hex() == (
        "2322fbc35b191061ea3038fd99b49fa71560fa4b805bb6df0f0a023e005e1aaf6b993f2895c817bcba27ac3dbfd2c8e1918f379494386b8f870beaca01544f0e"
    )


def test_a_proof_holds_for_its_device_and_key_alone() -> None:
    assert proof_holds(TOKEN.public_key, "acme", "p1", KEY, PROOF)
    assert not proof_holds(TOKEN.public_key, "acme", "p2", KEY, PROOF)
    assert not proof_holds(TOKEN.public_key, "other", "p1", KEY, PROOF)
    assert not proof_holds(TOKEN.public_key, "acme", "p1", TOKEN.public_key, PROOF)
    assert not proof_holds(KEY, "acme", "p1", KEY, PROOF)
    assert not proof_holds(TOKEN.public_key, "acme", "p1", KEY, PROOF[:-1])
    assert not proof_holds(b"", "acme", "p1", KEY, PROOF)


def test_a_token_is_the_same_after_its_text() -> None:
    token = Token.new()
    assert Token.parse(f" {token.text}\n").public_key == token.public_key
    assert token.text not in repr(token)


@pytest.mark.parametrize("text", ["", "token", "edgeloop-token:", "edgeloop-token:###", "edgeloop-token:AAAA", TOKEN.text + "AAAA"])
def test_a_text_that_is_no_token_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(BadTokenError) as refused:
        Token.parse(text)
    assert text == "" or text[-6:] not in str(refused.value)[-10:]


def test_keys_under_which_anybody_can_sign_are_refused() -> None:
    assert not usable_key(bytes(31))
    assert not usable_key(bytes(33))
    for public in _SMALL_ORDER:
        assert not usable_key(public)
        assert not usable_key(public[:31] + bytes([public[31] | 0x80]))
    assert usable_key(KEY)


def test_a_key_is_named_as_signers_are() -> None:
    assert public_key_id(TOKEN.public_key) == TOKEN.token_id

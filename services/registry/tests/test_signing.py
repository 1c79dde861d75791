"""Key files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from edgeloop_registry.adapters.signing import KeyProblem, generate_keys, key_id, load_public, load_signer, signed_by


def test_generated_keys_fit_each_other_and_only_the_owner_reads_the_private_one(tmp_path: Path) -> None:
    private, public = generate_keys(tmp_path / "keys")
    signer, trusted = load_signer(private), load_public(public)
    assert signed_by(trusted, b"words", signer.sign(b"words"))
    assert signer.key_id == key_id(trusted)
    assert len(signer.key_id) == 16
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == sorted([private.name, public.name])


def test_keys_that_are_there_stay_and_a_lost_public_key_comes_back(tmp_path: Path) -> None:
    private, public = generate_keys(tmp_path)
    before = private.read_bytes(), public.read_bytes()
    public.unlink()
    generate_keys(tmp_path)
    assert (private.read_bytes(), public.read_bytes()) == before


def test_a_key_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="EDGELOOP_REGISTRY_KEY_FILE is not set"):
        load_signer(None)
    with pytest.raises(KeyProblem, match="No such file"):
        load_signer(tmp_path / "none.pem")
    with pytest.raises(KeyProblem, match="directory"):
        load_signer(tmp_path)
    words = tmp_path / "words.pem"
    words.write_text("words")
    with pytest.raises(KeyProblem, match="no unencrypted private key"):
        load_signer(words)
    with pytest.raises(KeyProblem, match="no public key"):
        load_public(words)
    elliptic = tmp_path / "ec.pem"
    elliptic.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(KeyProblem, match="Ed25519 is needed"):
        load_signer(elliptic)

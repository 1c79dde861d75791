"""Key files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from edgeloop_signing.keys import Role, UnusableKeyError, generate_keys, key_id, load_signer, load_trusted, signed_by


def test_generated_keys_fit_each_other_and_only_the_owner_reads_the_private_one(tmp_path: Path) -> None:
    pair = generate_keys(tmp_path / "keys", Role.REGISTRY)
    signer, trusted = load_signer(pair.private, "KEY"), load_trusted(pair.public)
    assert signed_by(trusted, b"words", signer.sign(b"words"))
    assert [signer.key_id] == [key_id(public) for public in trusted]
    assert len(signer.key_id) == 16
    assert stat.S_IMODE(pair.private.stat().st_mode) == 0o600
    assert sorted(path.name for path in (tmp_path / "keys").iterdir()) == ["registry-private.pem", "registry-public.pem"]


def test_each_role_has_keys_of_its_own(tmp_path: Path) -> None:
    pairs = [generate_keys(tmp_path, role) for role in Role]
    for one in pairs:
        signature = load_signer(one.private, "KEY").sign(b"words")
        assert [signed_by(load_trusted(other.public), b"words", signature) for other in pairs] == [other is one for other in pairs]


def test_keys_that_are_there_stay_and_a_lost_public_key_comes_back(tmp_path: Path) -> None:
    pair = generate_keys(tmp_path, Role.ADAPTER)
    before = pair.private.read_bytes(), pair.public.read_bytes()
    pair.public.unlink()
    assert generate_keys(tmp_path, Role.ADAPTER) == pair
    assert (pair.private.read_bytes(), pair.public.read_bytes()) == before


def test_a_file_of_several_public_keys_trusts_each_of_them_and_no_other(tmp_path: Path) -> None:
    pairs = [generate_keys(tmp_path / name, Role.REGISTRY) for name in ("old", "new", "strange")]
    both = tmp_path / "both.pem"
    both.write_bytes(b"the old one, then the new one\n" + b"\n".join(pair.public.read_bytes() for pair in pairs[:2]))
    signatures = [load_signer(pair.private, "KEY").sign(b"words") for pair in pairs]
    assert [signed_by(load_trusted(both), b"words", signature) for signature in signatures] == [True, True, False]
    assert not signed_by(load_trusted(both), b"other words", signatures[0])
    assert not signed_by((), b"words", signatures[0])


def test_a_key_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(UnusableKeyError, match="EDGELOOP_REGISTRY_KEY_FILE is not set"):
        load_signer(None, "EDGELOOP_REGISTRY_KEY_FILE")
    with pytest.raises(UnusableKeyError, match="No such file"):
        load_signer(tmp_path / "none.pem", "KEY")
    with pytest.raises(UnusableKeyError, match="No such file"):
        load_trusted(tmp_path / "none.pem")
    with pytest.raises(UnusableKeyError, match="directory"):
        load_signer(tmp_path, "KEY")
    words = tmp_path / "words.pem"
    words.write_text("words")
    with pytest.raises(UnusableKeyError, match="no unencrypted private key"):
        load_signer(words, "KEY")
    with pytest.raises(UnusableKeyError, match="no public key"):
        load_trusted(words)
    elliptic = tmp_path / "ec.pem"
    elliptic.write_bytes(generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(UnusableKeyError, match="Ed25519 is needed"):
        load_signer(elliptic, "KEY")
    pair = generate_keys(tmp_path, Role.REGISTRY)
    words.write_bytes(pair.public.read_bytes() + pair.private.read_bytes())
    with pytest.raises(UnusableKeyError, match="no public key"):
        load_trusted(words)

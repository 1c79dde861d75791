"""Ed25519 keys as PEM files: the registry's private one, and the public one that is a device's root of trust."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

PRIVATE_NAME = "registry-private.pem"
PUBLIC_NAME = "registry-public.pem"


class KeyProblem(Exception):
    """A key file that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs with one private key.

    Attributes
    ----------
    key_id
        First 16 hex digits of the SHA-256 of the raw public key.
    """

    key: Ed25519PrivateKey
    key_id: str

    def sign(self, statement: bytes) -> bytes:
        """Ed25519 signature, 64 bytes; the same for the same statement."""
        return self.key.sign(statement)


def key_id(public: Ed25519PublicKey) -> str:
    """Short name of a key: first 16 hex digits of the SHA-256 of its 32 bytes."""
    return hashlib.sha256(public.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def load_signer(path: Path | None) -> Signer:
    """Read the private key.

    Raises
    ------
    KeyProblem
        No path, no such file, no right to read it, no unencrypted PEM private key, or not Ed25519.
    """
    if path is None:
        raise KeyProblem("EDGELOOP_REGISTRY_KEY_FILE is not set: the registry signs every version, and needs a private key")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise KeyProblem(f"the private key {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise KeyProblem(f"{path} holds no unencrypted private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyProblem(f"{path} holds a {type(key).__name__.removesuffix('PrivateKey')} key; Ed25519 is needed")
    return Signer(key, key_id(key.public_key()))


def load_public(path: Path) -> Ed25519PublicKey:
    """Read a public key.

    Raises
    ------
    KeyProblem
        No such file, or no Ed25519 public key in PEM.
    """
    try:
        key = load_pem_public_key(path.read_bytes())
    except OSError as error:
        raise KeyProblem(f"the public key {path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise KeyProblem(f"{path} holds no public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise KeyProblem(f"{path} holds a {type(key).__name__.removesuffix('PublicKey')} key; Ed25519 is needed")
    return key


def signed_by(public: Ed25519PublicKey, statement: bytes, signature: bytes) -> bool:
    """Whether the signature is that key's over that statement."""
    try:
        public.verify(signature, statement)
    except InvalidSignature:
        return False
    return True


def generate_keys(directory: Path) -> tuple[Path, Path]:
    """Make a pair of keys in ``directory``; keys that are there already stay, since devices trust them.

    Returns
    -------
    tuple
        Paths of the private key (readable by its owner only) and the public key.

    Raises
    ------
    KeyProblem
        A private key is there and cannot be used.
    """
    directory.mkdir(parents=True, exist_ok=True)
    private, public = directory / PRIVATE_NAME, directory / PUBLIC_NAME
    if not private.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Written aside and linked: a crash leaves no half of a key, and of two programs one wins.
        aside = directory / f".{PRIVATE_NAME}.{os.getpid()}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
        try:
            os.link(aside, private)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    ours = load_signer(private).key.public_key()
    public.write_bytes(ours.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return private, public

"""Ed25519 keys as PEM files: private ones, which services sign with, and public ones, which are a device's roots of trust."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
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
from edgeloop_contracts import SignedStatement
from edgeloop_errors import InvalidError

_BLOCK = re.compile(rb"(?=^-----BEGIN )", re.MULTILINE)


class Role(StrEnum):
    """Role of a signer; a key has one role, and is trusted in that role alone."""

    REGISTRY = "registry"
    ADAPTER = "adapter"
    TRAINER = "trainer"
    DEVICE = "device"


class UnusableKeyError(InvalidError, ValueError):
    """A key file that cannot be used; the message says which and why."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """Paths of a private key, readable by its owner only, and of its public key."""

    private: Path
    public: Path


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

    def signed(self, statement: bytes) -> SignedStatement:
        """The statement with its signature, as versions carry it."""
        return SignedStatement(statement=statement, signature=self.sign(statement), key_id=self.key_id)


def key_id(public: Ed25519PublicKey) -> str:
    """Short name of a key; see :func:`public_key_id`."""
    return public_key_id(public.public_bytes_raw())


def public_key_id(public_key: bytes) -> str:
    """Short name of a public key: first 16 hex digits of the SHA-256 of its 32 bytes.

    >>> public_key_id(bytes(32))
    '66687aadf862bd77'
    """
    return hashlib.sha256(public_key).hexdigest()[:16]


def load_signer(path: Path | None, setting: str) -> Signer:
    """Read the private key.

    Parameters
    ----------
    setting
        Variable that should name the file.

    Raises
    ------
    UnusableKeyError
        No path, no such file, no right to read it, no unencrypted PEM private key, or not Ed25519.
    """
    if path is None:
        raise UnusableKeyError(f"{setting} is not set: nothing goes to devices unsigned, and this service needs a private key")
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise UnusableKeyError(f"{setting}: the private key {path} cannot be read: {error.strerror or error}") from error
    except (ValueError, TypeError) as error:
        raise UnusableKeyError(f"{setting}: {path} holds no unencrypted private key in PEM: {error}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UnusableKeyError(f"{setting}: {path} holds a {type(key).__name__.removesuffix('PrivateKey')} key; Ed25519 is needed")
    return Signer(key, key_id(key.public_key()))


def load_trusted(path: Path | None, setting: str = "") -> tuple[Ed25519PublicKey, ...]:
    """Read the public keys of a file, one PEM block each: several while one takes the place of another.

    Parameters
    ----------
    setting
        Variable that should name the file, for the message.

    Raises
    ------
    UnusableKeyError
        No path, no such file, or something else in it than Ed25519 public keys in PEM.
    """
    if path is None:
        raise UnusableKeyError(f"{setting} is not set: nothing is taken unsigned, and this service needs the public key")
    try:
        return _load_trusted(path)
    except UnusableKeyError as problem:
        raise UnusableKeyError(f"{setting}: {problem}" if setting else str(problem)) from problem


def _load_trusted(path: Path) -> tuple[Ed25519PublicKey, ...]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise UnusableKeyError(f"the public key {path} cannot be read: {error.strerror or error}") from error
    # What stands before the first block is a remark; without a block, it is what the message is about.
    blocks = _BLOCK.split(text)[1:] or [text]
    return tuple(_public(path, block) for block in blocks)


def _public(path: Path, block: bytes) -> Ed25519PublicKey:
    try:
        key = load_pem_public_key(block)
    except ValueError as error:
        raise UnusableKeyError(f"{path} holds no public key in PEM: {error}") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UnusableKeyError(f"{path} holds a {type(key).__name__.removesuffix('PublicKey')} key; Ed25519 is needed")
    return key


def signed_by(trusted: Iterable[Ed25519PublicKey], statement: bytes, signature: bytes) -> bool:
    """Whether the signature over that statement is that of one of these keys."""
    for public in trusted:
        try:
            public.verify(signature, statement)
        except InvalidSignature:
            continue
        return True
    return False


def generate_keys(directory: Path, role: Role) -> KeyPair:
    """Make a role's pair of keys in ``directory``; keys that are there already stay, since devices trust them.

    Raises
    ------
    UnusableKeyError
        A private key is there and cannot be used.
    """
    directory.mkdir(parents=True, exist_ok=True)
    pair = KeyPair(directory / f"{role}-private.pem", directory / f"{role}-public.pem")
    if not pair.private.exists():
        pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Written aside and linked: a crash leaves no half of a key, and of two programs one wins.
        aside = directory / f".{pair.private.name}.{os.getpid()}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, pair.private)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    ours = load_signer(pair.private, "").key.public_key()
    pair.public.write_bytes(ours.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return pair

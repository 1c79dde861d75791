"""The keys that a device trusts, each in one role."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from edgeloop_contracts import ModelAdapter
from edgeloop_errors import FatalError
from edgeloop_signing.keys import UnusableKeyError, key_id, load_trusted, signed_by
from edgeloop_signing.statements import StatementError, VersionStatement, adapter_statement

from edgeloop_inference.core.version_admission import Reason, RefusalError


class TrustError(FatalError):
    """The trust files hold no keys that can be used."""


class Trust:
    """Verifies with Ed25519 keys: versions with those of the registry, adapters with those of the service that learns.

    A key of one role is worth nothing in the other.

    Parameters
    ----------
    versions, adapters
        Public keys; of each role one suffices, and no key has both.

    Raises
    ------
    TrustError
        A key has both roles.
    """

    def __init__(self, versions: Sequence[Ed25519PublicKey], adapters: Sequence[Ed25519PublicKey]) -> None:
        both = {key_id(key) for key in versions} & {key_id(key) for key in adapters}
        if both:
            raise TrustError(f"key {min(both)} is trusted for versions and for adapters; each needs a key of its own")
        self._versions = versions
        self._adapters = adapters

    @classmethod
    def from_files(cls, versions: Path, adapters: Path | None) -> Trust:
        """Read the trust files: public keys in PEM, given to the device at enrolment.

        Parameters
        ----------
        adapters
            ``None`` on a device that takes no adapters.

        Raises
        ------
        TrustError
            A file cannot be read or holds something else, or a key has both roles.
        """
        keys: list[tuple[Ed25519PublicKey, ...]] = []
        for path in (versions, adapters):
            try:
                keys.append(load_trusted(path) if path else ())
            except UnusableKeyError as problem:
                raise TrustError(f"trust file {path}: {problem}") from problem
        return cls(*keys)

    def verified(self, statement: bytes, signature: bytes) -> VersionStatement:
        """Give back a version's statement once its signature holds.

        Raises
        ------
        RefusalError
            ``SIGNATURE``: no key trusted for versions signed these bytes, or they are no statement.
        """
        if not signed_by(self._versions, statement, signature):
            raise RefusalError(Reason.SIGNATURE, "the statement is not signed by a key that this device trusts for versions")
        try:
            return VersionStatement.parse(statement)
        except StatementError as error:
            raise RefusalError(Reason.SIGNATURE, str(error)) from error

    def check(self, adapter: ModelAdapter) -> None:
        """Check that an adapter's tenant, stream, number and digest are signed. The digest covers all that its answers depend on.

        Raises
        ------
        RefusalError
            ``SIGNATURE``: not signed by a key that is trusted for adapters.
        """
        if not signed_by(self._adapters, adapter_statement(adapter), adapter.signature):
            raise RefusalError(Reason.SIGNATURE, "the adapter is not signed by a key that this device trusts for adapters")

"""Signatures of versions."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from edgeloop_contracts import ModelVersion
from edgeloop_signing.keys import signed_by

from edgeloop_mirror.core.versions import INVALID, named


class Signatures:
    """Says what is known of a version's signature.

    Parameters
    ----------
    trusted
        The registry's public keys; none where nobody gave them, and then nothing is verified.
    """

    def __init__(self, trusted: Sequence[Ed25519PublicKey]) -> None:
        self._trusted = trusted

    def state(self, event: ModelVersion) -> str:
        """``verified``, ``invalid``, or ``not verified`` without keys."""
        if not self._trusted:
            return "not verified"
        valid = named(event) and signed_by(self._trusted, event.signed.statement, event.signed.signature)
        return "verified" if valid else INVALID

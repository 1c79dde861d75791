"""Trainers whose candidates the model registry accepts."""

from __future__ import annotations

from collections.abc import Sequence

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from edgeloop_contracts import ModelCandidate
from edgeloop_signing.keys import Signer, UnusableKeyError, key_id, signed_by
from edgeloop_signing.statements import candidate_statement


class Trainers:
    """Verifies candidates.

    Parameters
    ----------
    trusted
        Public keys of the trainer; several while one takes the place of another.
    signer
        The registry's own key, which signs no candidates.

    Raises
    ------
    UnusableKeyError
        The registry's own key is among those trusted.
    """

    def __init__(self, trusted: Sequence[Ed25519PublicKey], signer: Signer) -> None:
        if signer.key_id in map(key_id, trusted):
            raise UnusableKeyError(f"key {signer.key_id} signs versions and is trusted for candidates; each needs a key of its own")
        self._trusted = trusted

    def signed(self, candidate: ModelCandidate) -> bool:
        """Whether a trusted key has signed all that the candidate says."""
        return signed_by(self._trusted, candidate_statement(candidate), candidate.signature)

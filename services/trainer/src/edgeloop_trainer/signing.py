"""The trainer's word for a candidate."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from edgeloop_contracts import ModelCandidate
from edgeloop_contracts.statements import candidate_statement
from edgeloop_streaming import body, from_body


class Signing(Protocol):
    """A key to sign with."""

    @property
    def key_id(self) -> str:
        """Its short name."""
        ...

    def sign(self, statement: bytes) -> bytes:
        """Signature over ``statement``."""
        ...


def signed(candidate: ModelCandidate, signer: Signing) -> ModelCandidate:
    """The candidate with the trainer's signature; it covers what a reader of the topic gets, to the last digit."""
    read = from_body(ModelCandidate, body(candidate))
    return replace(read, signature=signer.sign(candidate_statement(read)), key_id=signer.key_id)

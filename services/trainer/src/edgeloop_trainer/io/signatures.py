"""Signatures of candidates."""

from __future__ import annotations

from dataclasses import replace

from edgeloop_contracts import ModelCandidate
from edgeloop_kafka import body, from_body
from edgeloop_signing.keys import Signer
from edgeloop_signing.statements import candidate_statement


def signed(candidate: ModelCandidate, signer: Signer) -> ModelCandidate:
    """The candidate with the trainer's signature, which covers the values as a reader of the topic decodes them."""
    read = from_body(ModelCandidate, body(candidate))
    return replace(read, signature=signer.sign(candidate_statement(read)), key_id=signer.key_id)

"""The hash chain of ``model.events``: the newest hash shows whether any earlier event was changed.

The hash of an event is SHA-256(previous hash ‖ schema fingerprint ‖ Avro body). The previous hash of the first event is 32 zero bytes.
The fingerprint is the SHA-256 of the schema's parsing canonical form (Avro 1.12 specification, "Parsing Canonical Form for Schemas"). It
depends on field names and types, not on documentation and spaces.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import fastavro
from edgeloop_contracts import CandidateRefused, ModelVersion
from edgeloop_errors import InvalidError
from fastavro.schema import to_parsing_canonical_form

Chained = ModelVersion | CandidateRefused
BEFORE_FIRST = bytes(32)
_write = cast("Any", fastavro).schemaless_writer


class BrokenChainError(InvalidError):
    """An event does not name the hash of the one before it.

    Attributes
    ----------
    index
        Number of that event in the chain, from 0.
    """

    def __init__(self, index: int, expected: str | None, given: str | None) -> None:
        super().__init__(f"event {index} of the chain names {given or 'none'} as the hash before it; it is {expected or 'none'}")
        self.index = index


@dataclass(frozen=True, slots=True)
class Link:
    """Bytes of an event that go into the chain.

    Attributes
    ----------
    previous
        Hash that the event names as the one before it, hex; ``None`` for the first.
    fingerprint
        Of the schema that the event was written with, 32 bytes.
    body
        The event in Avro, without a frame, as it was written.
    """

    previous: str | None
    fingerprint: bytes
    body: bytes

    @property
    def hash(self) -> str:
        """Hash of the event, hex."""
        before = bytes.fromhex(self.previous) if self.previous else BEFORE_FIRST
        return hashlib.sha256(before + self.fingerprint + self.body).hexdigest()


@cache
def fingerprint(schema: str) -> bytes:
    """SHA-256 of the parsing canonical form of ``schema`` (JSON), 32 bytes."""
    return hashlib.sha256(to_parsing_canonical_form(json.loads(schema)).encode()).digest()


@cache
def _parsed(schema: str) -> Any:
    return fastavro.parse_schema(json.loads(schema))


def link(event: Chained) -> Link:
    """The event as a link, written with the schema that this code knows.

    An event of an older schema keeps the hash of its original bytes: make its :class:`Link` of those.
    """
    buffer = io.BytesIO()
    _write(buffer, _parsed(event.SCHEMA), event.as_dict())
    return Link(event.previous, fingerprint(event.SCHEMA), buffer.getvalue())


def verify_chain(events: Iterable[Chained | Link]) -> str | None:
    """Check that each event names the hash of the one before it; give back the hash of the last.

    Parameters
    ----------
    events
        All of ``model.events``, from its beginning.

    Returns
    -------
    str or None
        Hash of the newest event, hex; ``None`` for no events. A cut-off end shows only by comparing it with a hash that
        was noted elsewhere.

    Raises
    ------
    BrokenChainError
        The first event that does not fit.
    """
    head: str | None = None
    for index, event in enumerate(events):
        one = event if isinstance(event, Link) else link(event)
        if one.previous != head:
            raise BrokenChainError(index, head, one.previous)
        head = one.hash
    return head

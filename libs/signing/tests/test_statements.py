"""Statements: their bytes are fixed, for a change of them breaks the signatures on every device."""

from __future__ import annotations

import doctest
import json
from dataclasses import replace
from typing import Any

import edgeloop_signing.statements
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from edgeloop_contracts import ModelAdapter, ModelCandidate, ModelFile
from edgeloop_signing.keys import Signer, key_id, signed_by
from edgeloop_signing.statements import StatementError, VersionStatement, adapter_statement, candidate_statement
from hypothesis import given
from hypothesis import strategies as st

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
SIGNER = Signer(KEY, key_id(KEY.public_key()))

VERSION = VersionStatement(
    tenant="acme",
    stream="pümps",
    version=2,
    digest="0f" * 32,
    size=4096,
    classes=("no", "yes"),
    definition_version=1,
    features=("heat", "flow"),
)
CANDIDATE = ModelCandidate(
    tenant="acme",
    stream="pümps",
    request_id="c/0",
    file=ModelFile(digest="0f" * 32, size=4096, chunks=1, partition=3),
    classes=("no", "yes"),
    definition_version=1,
    rows=300,
    dataset_digest="ab" * 32,
    metrics={"gate_accuracy": 0.75, "rows": 300.0},
    parameters={"family": "mlp"},
)
ADAPTER = ModelAdapter(tenant="acme", stream="pümps", number=1200, digest="cd" * 32)

GOLDEN = {
    "version": (
        VERSION.encode(),
        '{"classes":["no","yes"],"definition_version":1,"digest":"' + "0f" * 32 + '","features":["heat","flow"],"size":4096,'
        '"stream":"pümps","tenant":"acme","version":2}',
        "a29855b65fcb4c261a8c10ce3f5648149be29a85b15293fd1c51ff1b178add47000d135508130979fa4f223c91a4a442490c1416e4eb7fb0f41cfea3736f6b03",
    ),
    "candidate": (
        candidate_statement(CANDIDATE),
        '{"classes":["no","yes"],"dataset_digest":"'
        + "ab" * 32
        + '","definition_version":1,"file":{"chunks":1,"digest":"'
        + "0f" * 32
        + '","partition":3,"size":4096},"kind":"candidate","metrics":{"gate_accuracy":0.75,"rows":300.0},"parameters":{"family":"mlp"},'
        '"request_id":"c/0","rows":300,"stream":"pümps","tenant":"acme"}',
        "1307c504ba0553b1668c32ac089fc1aff3c7c934c7a9f34836776a73cbb1033543cea698280f6d2d3c342493156dedbdbd0b30ce60e4a58a0289b25acedd7a0a",
    ),
    "adapter": (
        adapter_statement(ADAPTER),
        '{"digest":"' + "cd" * 32 + '","kind":"adapter","number":1200,"stream":"pümps","tenant":"acme"}',
        "27b2c42f4370f07c9f5f4fbd3d22539e55bb5451abfbebbe6aa4bafce7d9906bcdaa9409ed48d9f3a7a9beba80d29dc52fd2649f5e53658f9304a9f8a3ade30d",
    ),
}


@pytest.mark.parametrize("kind", GOLDEN)
def test_statements_and_signatures_are_these_bytes(kind: str) -> None:
    statement, text, signature = GOLDEN[kind]
    assert statement == text.encode()
    assert SIGNER.key_id == "56475aa75463474c"
    assert SIGNER.sign(statement).hex() == signature
    assert signed_by([KEY.public_key()], statement, bytes.fromhex(signature))


def test_the_examples_of_the_docstrings_hold() -> None:
    assert doctest.testmod(edgeloop_signing.statements).failed == 0


def test_a_signed_statement_carries_statement_signature_and_key() -> None:
    signed = SIGNER.signed(VERSION.encode())
    assert VersionStatement.parse(signed.statement) == VERSION
    assert signed.key_id == SIGNER.key_id
    assert signed_by([KEY.public_key()], signed.statement, signed.signature)


TEXTS = st.text(max_size=20)
STATEMENTS = st.builds(
    VersionStatement,
    tenant=TEXTS,
    stream=TEXTS,
    version=st.integers(0, 2**31 - 1),
    digest=TEXTS,
    size=st.integers(0, 2**63 - 1),
    classes=st.lists(TEXTS, max_size=5).map(tuple),
    definition_version=st.integers(0, 2**31 - 1),
    features=st.lists(TEXTS, min_size=1, max_size=5).map(tuple),
)


@given(STATEMENTS)
def test_a_statement_that_is_parsed_again_is_the_same(statement: VersionStatement) -> None:
    assert VersionStatement.parse(statement.encode()) == statement
    assert VersionStatement.parse(statement.encode()).encode() == statement.encode()


FIELDS: dict[str, Any] = json.loads(VERSION.encode())


def test_a_statement_may_hold_fields_that_this_release_does_not_know() -> None:
    assert VersionStatement.parse(json.dumps(FIELDS | {"later": 1}).encode()) == VERSION


@pytest.mark.parametrize(
    "statement", [candidate_statement(CANDIDATE), adapter_statement(ADAPTER), json.dumps(FIELDS | {"kind": "x"}).encode()]
)
def test_a_statement_of_another_role_is_no_statement_of_a_version(statement: bytes) -> None:
    with pytest.raises(StatementError, match="kind of the statement: expected version"):
        VersionStatement.parse(statement)


WRONG = [(name, wrong) for name in FIELDS for wrong in (None, True, 1.5, {}, [], [1]) if (name, wrong) != ("classes", [])]


@pytest.mark.parametrize(("name", "wrong"), WRONG)
def test_a_field_that_is_missing_or_of_another_type_is_named(name: str, wrong: Any) -> None:
    with pytest.raises(StatementError, match=name):
        VersionStatement.parse(json.dumps(FIELDS | {name: wrong}).encode())
    with pytest.raises(StatementError, match=name):
        VersionStatement.parse(json.dumps({key: value for key, value in FIELDS.items() if key != name}).encode())


@given(st.binary(max_size=200))
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StatementError):
        VersionStatement.parse(data)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(StatementError):
        VersionStatement.parse(b"[" * 100_000)


def test_defaults_and_the_signature_itself_are_not_part_of_a_candidates_statement() -> None:
    signed = replace(CANDIDATE, signature=b"x" * 64, key_id="k")
    assert candidate_statement(signed) == candidate_statement(CANDIDATE)
    assert json.loads(candidate_statement(ModelCandidate(tenant="default", stream=""))) == {"kind": "candidate"}
    assert json.loads(candidate_statement(ModelCandidate(tenant="default", stream="", file=ModelFile(offset=1)))) == {
        "file": {"offset": 1},
        "kind": "candidate",
    }

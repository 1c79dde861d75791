"""The example of a signing producer, against the library."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from edgeloop_contracts import Label
from edgeloop_kafka import body
from edgeloop_kafka.writer_schemas import fingerprint
from edgeloop_signing.device_signatures import RecordSigner
from edgeloop_signing.keys import Role, generate_keys, load_signer

ROOT = Path(__file__).resolve().parents[2]


def example() -> Any:
    spec = importlib.util.spec_from_file_location("signed_records", ROOT / "examples/signed_records.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_producer_that_knows_no_library_of_ours_makes_the_same_signature(tmp_path: Path) -> None:
    pair = generate_keys(tmp_path, Role.DEVICE)
    label = Label(tenant="default", stream="boiler", device_id="boiler-7", boot_epoch=1, seq=0, label="good")
    schema = (ROOT / "schemas/label/Label.avsc").read_text(encoding="utf-8")
    key, value = b"default/boiler/boiler-7", bytes(5) + body(label)
    ours = RecordSigner(load_signer(pair.private, "KEY"))("labels.raw", key, fingerprint(Label), body(label))
    assert example().RecordSigner(pair.private).headers("labels.raw", key, schema, value) == ours

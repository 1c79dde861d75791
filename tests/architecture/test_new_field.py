"""A new field of rows is added in the schemas alone: nothing on its way drops it, and rows are still decoded at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = {"name": "firmware", "type": "string", "doc": "Version of the device's firmware.", "default": ""}

LOOK = """
from dataclasses import replace

import edgeloop_contracts
from edgeloop_admission import Rules
from edgeloop_contracts import Cause, Feature, NamedRow, ObservationBatch, ObservationRow, StreamDefinition, topics
from edgeloop_contracts.rows import slices
from edgeloop_ingestion.handlers import IngestionTask
from edgeloop_ingestion.metrics import Metrics
from edgeloop_kafka import Codec
from edgeloop_kafka.schema_lookup import WrittenSchema
from edgeloop_streaming import State
from prometheus_client import CollectorRegistry

assert edgeloop_contracts.__file__.startswith(COPY), edgeloop_contracts.__file__


class Registry:
    texts = []

    def lookup(self, subject, schema):
        return self.texts.append(schema) or len(self.texts)

    def schema(self, wanted):
        return WrittenSchema(self.texts[wanted.value - 1])


def row(seq, firmware):
    return ObservationRow(tenant="t", stream="s", device_id="d", boot_epoch=1, seq=seq, features=(1.0,), firmware=firmware)


one = ObservationBatch.from_row(row(4, "v9"))
assert one.firmware == "v9"
three = ObservationBatch.concat([one, replace(one, first_seq=5), replace(one, first_seq=6)])
assert (three.count, three.firmware) == (3, "v9")
assert [piece.firmware for piece in slices(three, 2)] == ["v9", "v9"]
assert not replace(one, first_seq=5, firmware="v10").follows(one)
assert row(4, "v9").as_dict()["firmware"] == "v9"
named = NamedRow(tenant="t", stream="s", device_id="d", firmware="v9")
assert named.as_row(features=()).firmware == "v9"

codec, topic = Codec(Registry()), topics.OBSERVATION_ROWS_RAW
rows = [row(seq, "v9" if seq < 3 else "v10") for seq in range(5)]
records = codec.columns(topic, ObservationRow, [codec.encode(topic, one) for one in rows], IngestionTask.bulk.by)
assert records is not None, "rows with the field are not decoded at once"
older = [codec.encode(topic, one)[:-1 - len(one.firmware)] for one in rows]
schema = OLDER
frame = bytes(1) + Registry().lookup("", schema).to_bytes(4, "big")
assert codec.columns(topic, ObservationRow, [frame + one[5:] for one in older], IngestionTask.bulk.by) is not None

class Open:
    renew = lambda self: None
    closed = lambda self, tenant: False

rules = Rules.of(StreamDefinition(tenant="t", stream="s", version=1, features=(Feature(name="x"),)))
task = IngestionTask(0, 1, State(), {"t/s": rules}.get, Metrics(CollectorRegistry()), Open())
sends = task.handle_all(records, [b""] * len(rows), lambda place: Cause(id=str(place)))
sent = [send.event for send in [*sends, *task.flush()]]
assert [(batch.first_seq, batch.count, batch.firmware) for batch in sent] == [(0, 3, "v9"), (3, 2, "v10")], sent
"""


def test_a_field_added_to_the_schemas_survives_on_the_way_of_a_row_and_keeps_bulk_decoding(tmp_path: Path) -> None:
    for part in ("tools", "schemas", "libs/contracts/src"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    older = (ROOT / "schemas/observation/ObservationRow.avsc").read_text()
    for record in ("ObservationBatch", "ObservationRow", "NamedRow"):
        path = tmp_path / f"schemas/observation/{record}.avsc"
        schema = json.loads(path.read_text())
        schema["fields"].append(FIRMWARE)
        path.write_text(json.dumps(schema, indent=2))
    subprocess.run([sys.executable, str(tmp_path / "tools/generate.py")], check=True)
    script = f"COPY = {str(tmp_path)!r}\nOLDER = {older!r}\n{LOOK}"
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "libs/contracts/src")}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_field_of_a_row_that_no_field_of_the_batch_holds_is_refused(tmp_path: Path) -> None:
    for part in ("tools", "schemas", "libs/contracts/src"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    path = tmp_path / "schemas/observation/ObservationRow.avsc"
    schema = json.loads(path.read_text())
    schema["fields"].append(FIRMWARE)
    path.write_text(json.dumps(schema, indent=2))
    done = subprocess.run([sys.executable, str(tmp_path / "tools/generate.py")], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ObservationRow: firmware: no field of ObservationBatch holds it" in done.stderr

#!/usr/bin/env bash
# Library:  fastavro 1.13.1
# Expected: a reader's schema decides the types that a reader gets: a long field is an int (Avro: a reader may ignore logical types).
# Seen:     the writer's logical type wins: the plain long or string of the reader's schema comes as datetime, UUID or Decimal.
# Matters:  one producer that notes timestamp-millis on its long changes the type in every consumer, which may fail far from here.
# We:       drop logical types from a writer's schema before it is parsed.
# Output:   timestamp-millis on a long: datetime; uuid on a string: UUID; decimal on bytes: Decimal
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check fastavro==1.13.1
v/bin/python - <<'P'
import datetime
import decimal
import io
import uuid
import fastavro


def record(kind):
    return fastavro.parse_schema({"type": "record", "name": "R", "fields": [{"name": "value", "type": kind}]})


told = []
for plain, more, value in (
    ("long", {"logicalType": "timestamp-millis"}, datetime.datetime.now(datetime.timezone.utc)),
    ("string", {"logicalType": "uuid"}, uuid.uuid4()),
    ("bytes", {"logicalType": "decimal", "precision": 4, "scale": 2}, decimal.Decimal("1.25")),
):
    out = io.BytesIO()
    writer = record({"type": plain, **more})
    fastavro.schemaless_writer(out, writer, {"value": value})
    out.seek(0)
    got = type(fastavro.schemaless_reader(out, writer, record(plain))["value"])
    told.append(f"{more['logicalType']} on a {plain}: {got.__name__}")
    assert got is type(value)
print("; ".join(told))
P

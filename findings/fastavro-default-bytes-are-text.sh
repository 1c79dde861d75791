#!/usr/bin/env bash
# Library:  fastavro 1.13.1
# Expected: a bytes field that the writer lacks comes as bytes, made of its default (Avro: code points 0 to 255 are the bytes).
# Seen:     it comes as the text that stands in the schema, and cannot be written again: "a bytes-like object is required".
# Matters:  a field of bytes that is added with a default breaks readers of older records, which the schema's rules allow.
# We:       make the defaults of parsed schemas bytes before reading with them.
# Output:   missing bytes come as str; written again: TypeError
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check fastavro==1.13.1
v/bin/python - <<'P'
import io
import fastavro

one = {"name": "one", "type": "long"}
writer = fastavro.parse_schema({"type": "record", "name": "R", "fields": [one]})
reader = fastavro.parse_schema({"type": "record", "name": "R", "fields": [one, {"name": "more", "type": "bytes", "default": "\u00ff"}]})
out = io.BytesIO()
fastavro.schemaless_writer(out, writer, {"one": 1})
out.seek(0)
fields = fastavro.schemaless_reader(out, writer, reader)
assert isinstance(fields["more"], str)
try:
    fastavro.schemaless_writer(io.BytesIO(), reader, fields)
except TypeError as error:
    print(f"missing bytes come as {type(fields['more']).__name__}; written again: {type(error).__name__}")
P

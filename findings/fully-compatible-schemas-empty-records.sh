#!/usr/bin/env bash
# Library:  Apicurio Registry 2.6.13.Final (its interface for Confluent's clients), fastavro 1.13.1
# Expected: FULL_TRANSITIVE refuses a schema with which stored records lose their values, or the reader raises.
# Seen:     five fields move into a nested record. Each has a default, so the registry accepts the schema as fully compatible. The reader
#           skips the old fields, fills the new record from its default, and reports nothing: a version's digest, size and place are gone.
# Matters:  "compatible" means readable, not the same. Tidying a schema empties every record that is stored, and no check tells.
# We:       ask the registry before a start, and refuse a cluster or a data directory that holds records of the older form (docs/schemas.md).
# Output:   accepted as FULL_TRANSITIVE: version 2; an old record read by the new schema: {'file': {'digest': '', 'size': 0}}
set -euo pipefail
here=$(mktemp -d); registry=; trap 'test -z "$registry" || kill "$registry"; wait; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check fastavro==1.13.1
mvn -q -B -ntp dependency:copy -Dartifact=io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all -DoutputDirectory=.
tar xzf apicurio-registry-app-*.tar.gz
port=$(python3 -c "import socket; held = socket.create_server(('127.0.0.1', 0)); print(held.getsockname()[1])")
export REGISTRY_DATASOURCE_URL=jdbc:h2:mem:registry QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$port
java -Xmx512m -jar apicurio-registry-app-2.6.13.Final-runner.jar > log 2>&1 & registry=$!
cat > nest.py <<'P'
import io
import json
import sys
import urllib.request
from fastavro import parse_schema, schemaless_reader, schemaless_writer

url = sys.argv[1]


def send(method, path, body):
    request = urllib.request.Request(url + path, json.dumps(body).encode(), {"content-type": "application/json"}, method=method)
    return json.load(urllib.request.urlopen(request, timeout=20))


parts = [{"name": "digest", "type": "string", "default": ""}, {"name": "size", "type": "long", "default": 0}]
flat = {"type": "record", "name": "ModelVersion", "fields": parts}
nested = {
    "type": "record",
    "name": "ModelVersion",
    "fields": [{"name": "file", "type": {"type": "record", "name": "ModelFile", "fields": parts}, "default": {"digest": "", "size": 0}}],
}
send("POST", "/subjects/models-value/versions", {"schema": json.dumps(flat)})
send("PUT", "/config/models-value", {"compatibility": "FULL_TRANSITIVE"})
send("POST", "/subjects/models-value/versions", {"schema": json.dumps(nested)})
newest = json.load(urllib.request.urlopen(f"{url}/subjects/models-value/versions/latest", timeout=20))["version"]
stored = io.BytesIO()
schemaless_writer(stored, parse_schema(flat), {"digest": "ab12", "size": 4096})
stored.seek(0)
read = schemaless_reader(stored, parse_schema(flat), parse_schema(nested))
print(f"accepted as FULL_TRANSITIVE: version {newest}; an old record read by the new schema: {read}")
assert newest == 2 and read == {"file": {"digest": "", "size": 0}}
P
url=http://127.0.0.1:$port/apis/ccompat/v7
for _ in $(seq 240); do curl -sf "$url/subjects" > /dev/null && break; sleep 0.5; done
v/bin/python nest.py "$url"

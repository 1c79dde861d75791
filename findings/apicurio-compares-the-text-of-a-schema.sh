#!/usr/bin/env bash
# Library:  Apicurio Registry 2.6.13.Final (its interface for Confluent's clients), confluent-kafka 2.16.0
# Expected: a schema that is registered is found, whatever white space stands between its words: Avro's canonical form has none.
# Seen:     texts are compared byte by byte. A client that is given the registered file still does not find it: AvroSerializer strips the text.
#           `?normalize=true` finds it, and so does every request once the server runs with ENABLE_CCOMPAT_CANONICAL_HASH_MODE=true.
# Matters:  producers with auto-registration off fail with "not found"; with it on they add versions that differ in white space only.
# We:       register each file's text without the blanks around it, look up that very text, and tell which clients need normalize.
# Output:   registered with a newline at the end; asked for by the same text: 1; without that newline: 40403; in one line: 40403
#           in one line with normalize: 1; AvroSerializer with the registered text: 40403, with normalize.schemas: 1
set -euo pipefail
here=$(mktemp -d); registry=; trap 'test -z "$registry" || kill "$registry"; wait; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check "confluent-kafka[avro]==2.16.0"
mvn -q -B -ntp dependency:copy -Dartifact=io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all -DoutputDirectory=.
tar xzf apicurio-registry-app-*.tar.gz
port=$(python3 -c "import socket; held = socket.create_server(('127.0.0.1', 0)); print(held.getsockname()[1])")
export REGISTRY_DATASOURCE_URL=jdbc:h2:mem:registry QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$port
java -Xmx512m -jar apicurio-registry-app-2.6.13.Final-runner.jar > log 2>&1 & registry=$!
cat > look.py <<'P'
import json
import sys
import urllib.error
import urllib.request
from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

url = sys.argv[1]


def ask(path, text):
    request = urllib.request.Request(url + path, json.dumps({"schema": text}).encode(), {"content-type": "application/json"})
    try:
        return json.load(urllib.request.urlopen(request, timeout=20))["id"]
    except urllib.error.HTTPError as error:
        return json.load(error)["error_code"]


def serialized(text, more):
    serializer = AvroSerializer(SchemaRegistryClient({"url": url}), text, conf={"auto.register.schemas": False, **more})
    try:
        return int.from_bytes(serializer({"count": 1}, SerializationContext("rows", MessageField.VALUE))[1:5], "big")
    except SchemaRegistryError as error:
        return error.error_code


schema = {"type": "record", "name": "R", "fields": [{"name": "count", "type": "int"}]}
line, given = json.dumps(schema), json.dumps(schema, indent=2) + "\n"
assert ask("/subjects/rows-value/versions", given) == 1
plain = [ask("/subjects/rows-value", text) for text in (given, given.strip(), line)]
normal = ask("/subjects/rows-value?normalize=true", line)
clients = [serialized(given, more) for more in ({}, {"normalize.schemas": True})]
same, stripped, other = plain
print(f"registered with a newline at the end; asked for by the same text: {same}; without that newline: {stripped}; in one line: {other}")
print(f"in one line with normalize: {normal}; AvroSerializer with the registered text: {clients[0]}, with normalize.schemas: {clients[1]}")
assert plain == [1, 40403, 40403] and normal == 1 and clients == [40403, 1]
P
url=http://127.0.0.1:$port/apis/ccompat/v7
for _ in $(seq 240); do curl -sf "$url/subjects" > /dev/null && break; sleep 0.5; done
v/bin/python look.py "$url"

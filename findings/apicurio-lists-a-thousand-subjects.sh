#!/usr/bin/env bash
# Library:  Apicurio Registry 2.6.13.Final (its interface for Confluent's clients)
# Expected: GET /subjects lists every subject, or says that there are more.
# Seen:     it lists 1,000 and says nothing; `offset`, `limit` and `subjectPrefix` change nothing. The others are there when asked for by name.
#           REGISTRY_CCOMPAT_MAX_SUBJECTS raises the number; it is not among the settings of the application's own file.
# Matters:  a backup, a mirror or a check that walks the list leaves out what is beyond it. Topics with a prefix a tenant get there soon.
# We:       never walk the list: each subject is asked for by its name.
# Output:   registered 1100; listed 1000, with limit=5000 1000, with offset=1000 1000; the last one asked for by name: version [1]
set -euo pipefail
here=$(mktemp -d); registry=; trap 'test -z "$registry" || kill "$registry"; wait; rm -rf "$here"' EXIT; cd "$here"
mvn -q -B -ntp dependency:copy -Dartifact=io.apicurio:apicurio-registry-app:2.6.13.Final:tar.gz:all -DoutputDirectory=.
tar xzf apicurio-registry-app-*.tar.gz
port=$(python3 -c "import socket; held = socket.create_server(('127.0.0.1', 0)); print(held.getsockname()[1])")
export REGISTRY_DATASOURCE_URL=jdbc:h2:mem:registry QUARKUS_HTTP_HOST=127.0.0.1 QUARKUS_HTTP_PORT=$port
java -Xmx512m -jar apicurio-registry-app-2.6.13.Final-runner.jar > log 2>&1 & registry=$!
for _ in $(seq 240); do curl -sf "http://127.0.0.1:$port/apis/ccompat/v7/subjects" > /dev/null && break; sleep 0.5; done
python3 - "$port" <<'P'
import http.client
import json
import sys

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]), timeout=30)


def ask(method, path, body=None):
    connection.request(method, "/apis/ccompat/v7/subjects" + path, body and json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status == 200, text
    return json.loads(text)


for number in range(1100):
    ask("POST", f"/s{number:04}/versions", {"schema": '"string"'})
listed = [len(ask("GET", query)) for query in ("", "?limit=5000", "?offset=1000")]
last = ask("GET", "/s1099/versions")
print(f"registered 1100; listed {listed[0]}, with limit=5000 {listed[1]}, with offset=1000 {listed[2]}; the last one asked for by name: version {last}")
assert listed == [1000] * 3 and last == [1]
P

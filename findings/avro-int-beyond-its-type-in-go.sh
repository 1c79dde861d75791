#!/usr/bin/env bash
# Library:  fastavro 1.13.1 (writer), github.com/hamba/avro/v2 2.29.0 (reader, Go)
# Expected: a writer refuses 2147483648 for an Avro int, or a reader reports it: an int has 32 bits.
# Seen:     fastavro writes it; hamba/avro reads another number, and no error.
# Matters:  a count or version from a Python producer turns into another one in a Go consumer, silently.
# We:       check ranges when we encode and at the door.
# Output:   fastavro wrote 2147483648; hamba/avro read 0, error <nil>
set -euo pipefail
here=$(mktemp -d); trap 'chmod -R u+w "$here"; rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check fastavro==1.13.1
v/bin/python - <<'P'
import io
import fastavro

schema = fastavro.parse_schema({"type": "record", "name": "R", "fields": [{"name": "count", "type": "int"}]})
out = io.BytesIO()
fastavro.schemaless_writer(out, schema, {"count": 2**31})
open("record", "wb").write(out.getvalue())
print("fastavro wrote 2147483648", end="; ", flush=True)
P
cat > main.go <<'G'
package main

import (
	"fmt"
	"os"

	"github.com/hamba/avro/v2"
)

func main() {
	data, _ := os.ReadFile("record")
	schema := avro.MustParse(`{"type":"record","name":"R","fields":[{"name":"count","type":"int"}]}`)
	var row struct {
		Count int `avro:"count"`
	}
	err := avro.Unmarshal(schema, data, &row)
	fmt.Printf("hamba/avro read %d, error %v\n", row.Count, err)
	if err != nil || row.Count == 2147483648 {
		os.Exit(1)
	}
}
G
export GOPATH="$here/go" GOFLAGS=-mod=mod
go mod init finding > log 2>&1
go get github.com/hamba/avro/v2@v2.29.0 >> log 2>&1 || { cat log; exit 1; }
go run main.go

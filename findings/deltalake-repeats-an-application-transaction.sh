#!/usr/bin/env bash
# Library:  deltalake 1.6.1
# Expected: a write with an application transaction that the table already has is skipped: that is what the mark is for.
# Seen:     the rows are appended again, and an older transaction moves the mark back.
# Matters:  an archive that trusts the mark for exactly-once doubles its rows after the first restart.
# We:       have no archive yet; it is to read `transaction_version` before each append.
# Output:   rows after the same transaction twice: 2; mark after 5 and then 3: 3
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check deltalake==1.6.1 pyarrow==21.0.0
v/bin/python - <<'P'
import pyarrow
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake


def append(version):
    properties = CommitProperties(app_transactions=[Transaction("archive", version)])
    write_deltalake("table", pyarrow.table({"row": [version]}), mode="append", commit_properties=properties)


append(5)
append(5)
rows = DeltaTable("table").to_pyarrow_table().num_rows
append(3)
mark = DeltaTable("table").transaction_version("archive")
print(f"rows after the same transaction twice: {rows}; mark after 5 and then 3: {mark}")
assert rows == 2 and mark == 3
P

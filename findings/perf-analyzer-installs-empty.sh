#!/usr/bin/env bash
# Library:  perf-analyzer 0.1.0 and 2.60.0, tritonclient 2.40.0 (x86-64)
# Expected: `pip install perf-analyzer` brings Triton's load generator, or says that there is none for this system.
# Seen:     the program's wheels need glibc 2.38. On an older one (Debian 12, Ubuntu 22.04) pip takes release 0.1.0 instead, which is empty.
#           The program for such a system lies in older client wheels, beside the library.
# Matters:  the installation succeeds, and there is no command: it looks like a broken PATH. A pin of the release would have told.
# We:       take the program out of tritonclient's wheel where we try it.
# Output:   glibc 2.36: perf_analyzer-0.1.0-py3-none-any.whl, 0 programs
#           glibc 2.38: perf_analyzer-2.60.0-py3-none-manylinux_2_38_x86_64.whl, 1 programs
#           tritonclient: tritonclient-2.40.0-py3-none-manylinux1_x86_64.whl, 1 programs
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v
take() {
    v/bin/pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 --platform "$2" -d "$1" "$3"
    echo "$1: $(ls "$1"), $(python3 -m zipfile -l "$1"/*.whl | grep -cE 'bin/perf_analyzer ' || true) programs"
}
found=$(take "glibc 2.36" manylinux_2_36_x86_64 "perf-analyzer<=2.60.0"
take "glibc 2.38" manylinux_2_38_x86_64 "perf-analyzer<=2.60.0"
take tritonclient manylinux1_x86_64 tritonclient==2.40.0)
echo "$found"
[[ $found == *"perf_analyzer-0.1.0-py3-none-any.whl, 0 programs"*"perf_analyzer-2.60.0"*", 1 programs"*"tritonclient-2.40.0"*", 1 programs" ]]

#!/usr/bin/env bash
# Library:  onnxruntime 1.31.1 on Linux (since 1.29)
# Expected: importing an inference library writes nothing into the home of its user.
# Seen:     it makes a device id and a database of events below the user's cache, before any session exists.
# Matters:  on a device it is an identifier, disk space and, where there is a network, traffic that nobody asked for.
# We:       disable the events before the import, in one module through which all others import it.
# Output:   .cache/Microsoft/DeveloperTools/.onnxruntime/deviceid
#           .cache/Microsoft/DeveloperTools/.onnxruntime/onnxruntime.db
set -euo pipefail
here=$(mktemp -d); trap 'rm -rf "$here"' EXIT; cd "$here"
python3 -m venv v && v/bin/pip install -q --disable-pip-version-check onnxruntime==1.31.1 numpy==2.4.6
mkdir home && env -u XDG_CACHE_HOME HOME="$here/home" v/bin/python -c "import onnxruntime"
(cd home && find . -type f -path '*onnxruntime*' | sed 's#^\./##' | sort) | tee found
grep -q deviceid found

"""Addresses of the processes of a running ``edgeloop up``, for Prometheus.

    python deploy/prometheus/targets.py [.edgeloop]

writes ``targets/services.json`` and ``targets/devices.json`` beside this file, from the list that ``up`` keeps. Prometheus reads them
automatically. Run it again after each start of ``up``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FOLDER = Path(__file__).resolve().parent / "targets"


def targets(entries: list[dict[str, Any]], kind: str, label: str) -> list[dict[str, Any]]:
    """Targets of one kind of process, each labelled with its name."""
    return [
        {"targets": [urlsplit(entry["metrics"]).netloc], "labels": {label: entry["name"]}}
        for entry in entries
        if entry["kind"] == kind and entry["metrics"]
    ]


def main(data_dir: Path) -> int:
    """Entry point; gives back the exit code."""
    commands = [json.loads(path.read_text(encoding="utf-8")) for path in sorted((data_dir / "running").glob("*.json"))]
    if not commands:
        print(f"{data_dir / 'running'} is empty: start `edgeloop up` first", file=sys.stderr)
        return 1
    entries = [entry for command in commands for entry in command["entries"]]
    FOLDER.mkdir(exist_ok=True)
    for name, kind, label in (("services", "service", "service"), ("devices", "device", "device")):
        found = targets(entries, kind, label)
        (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(f"{len(found)} {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".edgeloop")))

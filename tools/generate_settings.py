"""Tables of settings in the READMEs, generated from the settings classes.

``python tools/generate_settings.py`` writes the tables; ``--check`` exits with 1 if they are not up to date.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

from blocks import ROOT, bring, filled
from edgeloop_contracts.services import SERVICES
from edgeloop_kafka import KafkaSettings
from edgeloop_kafka.settings_table import as_table, described


def tables() -> dict[Path, str]:
    """The table of each page."""
    found = {ROOT / "docs/settings.md": as_table(described(KafkaSettings))}
    for spec in SERVICES.values():
        if spec.settings:
            module, _, name = spec.settings.partition(":")
            found[ROOT / "services" / spec.name / "README.md"] = as_table(described(getattr(importlib.import_module(module), name)))
    return found


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a table is not up to date")
    check = parser.parse_args().check
    texts = {
        page: filled(page.read_text(encoding="utf-8"), "settings", table, str(page.relative_to(ROOT))) for page, table in tables().items()
    }
    return bring(texts, check=check, source="the settings")


if __name__ == "__main__":
    sys.exit(main())

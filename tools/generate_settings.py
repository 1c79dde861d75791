"""Write the tables of settings in the READMEs from the fields that read them.

``python tools/generate_settings.py`` writes the tables, ``--check`` only says whether they are up to date (exit code 1 if not).
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
from importlib.util import find_spec
from pathlib import Path

from edgeloop_kafka import KafkaSettings
from edgeloop_kafka.settings_table import as_table, described

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- settings: made by `make generate` -->\n"
END = "<!-- end of settings -->\n"
_BETWEEN = re.compile(re.escape(BEGIN) + ".*?" + re.escape(END), re.DOTALL)


def tables() -> dict[Path, str]:
    """By page: the table that it holds."""
    found = {ROOT / "docs/settings.md": as_table(described(KafkaSettings))}
    for folder in sorted((ROOT / "services").glob("*/")):
        module = f"edgeloop_{folder.name}.settings"
        if (folder / "pyproject.toml").exists() and find_spec(module):
            found[folder / "README.md"] = as_table(described(importlib.import_module(module).Settings))
    return found


def filled(page: Path, table: str) -> str:
    """The text of a page with its table as it should be."""
    text = page.read_text(encoding="utf-8")
    new, count = _BETWEEN.subn(lambda _: f"{BEGIN}{table}{END}", text)
    if count != 1:
        raise SystemExit(
            f"generate_settings: {page.relative_to(ROOT)}: expected {BEGIN.strip()} and {END.strip()} once, found {count} times"
        )
    return new


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a table is not up to date")
    check = parser.parse_args().check
    late = False
    for page, table in tables().items():
        text = filled(page, table)
        if text == page.read_text(encoding="utf-8"):
            continue
        if check:
            print(f"{page.relative_to(ROOT)} is not what the settings say: run make generate", file=sys.stderr)
            late = True
        else:
            page.write_text(text, encoding="utf-8")
    return int(late)


if __name__ == "__main__":
    sys.exit(main())

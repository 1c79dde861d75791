"""Generated blocks of hand-written files: text between two lines of comment.

A block begins with ``NAME: made by `make generate``` and ends with ``end of NAME``, each in a comment of the file's language.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def filled(text: str, name: str, content: str, where: str) -> str:
    """The text with a block's content replaced; the content takes over the indentation of the block's first line.

    Raises
    ------
    SystemExit
        The block is not there exactly once.
    """
    block = re.compile(
        rf"^(?P<indent> *)(?P<begin>[^\n]*\b{re.escape(name)}: made by `make generate`[^\n]*\n).*?(?P<end>^ *[^\n]*\bend of {re.escape(name)}\b)",
        re.DOTALL | re.MULTILINE,
    )

    def made(match: re.Match[str]) -> str:
        lines = (f"{match['indent']}{line}" if line else "" for line in content.rstrip("\n").split("\n"))
        body = "".join(f"{line}\n" for line in lines) if content else ""
        return f"{match['indent']}{match['begin']}{body}{match['end']}"

    new, count = block.subn(made, text)
    if count != 1:
        raise SystemExit(f"generate: {where}: expected the lines `{name}: made by …` and `end of {name}` once, found them {count} times")
    return new


def bring(texts: Mapping[Path, str], *, check: bool, source: str) -> int:
    """Write files that differ, or say which do; give back the exit code."""
    late = False
    for path, text in texts.items():
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        late = True
        if check:
            print(f"{path.relative_to(ROOT)} is not what {source} say: run make generate", file=sys.stderr)
        else:
            path.write_text(text, encoding="utf-8")
    return int(late and check)

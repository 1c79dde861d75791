"""Keys are made by their types alone, and pyright refuses an event under another topic's key."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MISUSES = Path(__file__).with_name("misuses_of_types.py")
MAKERS = {ROOT / "libs/contracts/src/edgeloop_contracts" / name for name in ("keys.py", "key_forms.py")}
SOURCES = sorted({path for folder in ("libs", "services", "cli", "benchmarks") for path in (ROOT / folder).rglob("*.py")} - MAKERS)


def hand_made_keys(source: str) -> Iterator[int]:
    """Lines of texts that put a slash behind a tenant."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.JoinedStr):
            for value, after in zip(node.values, node.values[1:], strict=False):
                name = ast.unparse(value.value) if isinstance(value, ast.FormattedValue) else ""
                slash = isinstance(after, ast.Constant) and str(after.value).startswith("/")
                if slash and re.search(r"(^|[._])tenant$", name):
                    yield node.lineno


def test_a_hand_made_key_is_found() -> None:
    source = 'a = f"{event.tenant}/{event.stream}"\nb = f"{self._tenant}/x"\nc = f"{tenant}, {stream}"\nd = StreamKey.of(event)\n'
    assert list(hand_made_keys(source)) == [1, 2]


def test_no_key_of_a_stream_or_a_device_is_made_outside_the_key_types() -> None:
    found = [f"{path.relative_to(ROOT)}:{line}" for path in SOURCES for line in hand_made_keys(path.read_text(encoding="utf-8"))]
    assert found == []


@pytest.mark.timeout(600)
def test_pyright_refuses_each_misuse_of_keys_and_topics(tmp_path: Path) -> None:
    shutil.copy(MISUSES, tmp_path)  # the project's own settings leave tests out
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "standard", "pythonVersion": "3.11"}))
    command = [str(Path(sys.executable).with_name("pyright")), "--outputjson", "--pythonpath", sys.executable, "-p", str(tmp_path)]
    told = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    given = {(one["range"]["start"]["line"] + 1, one["rule"]) for one in told["generalDiagnostics"] if one["severity"] == "error"}
    lines = MISUSES.read_text(encoding="utf-8").splitlines()
    expected = {(number, match[1]) for number, line in enumerate(lines, 1) if (match := re.search(r"# error: (\w+)$", line))}
    assert given == expected

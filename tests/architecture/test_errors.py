"""The error tree holds for every package: an exception says by its type whether work is repeated, refused or ended."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
TREE = {"RetryableError", "InvalidError", "FatalError"}
BUILTIN = {name for name, value in vars(builtins).items() if isinstance(value, type) and issubclass(value, BaseException)}


def classes() -> Iterator[tuple[str, str, list[str]]]:
    """Path, name, and last names of the bases of each class in ``src``."""
    for path in sorted(ROOT.glob("*/*/src/**/*.py")) + sorted(ROOT.glob("cli/src/**/*.py")):
        if ".venv" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases = [ast.unparse(base).split(".")[-1].split("[")[0] for base in node.bases]
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node.name, bases


def test_every_exception_is_retryable_invalid_or_fatal_and_is_called_an_error() -> None:
    found = list(classes())
    bases = {name: set(of) for _, name, of in found}

    def ancestors(name: str, seen: frozenset[str] = frozenset()) -> set[str]:
        above = bases.get(name, set()) - seen
        return above.union(*(ancestors(one, seen | above) for one in above)) if above else set()

    exceptions = [(at, name, ancestors(name)) for at, name, _ in found if ancestors(name) & (BUILTIN | {"EdgeloopError"})]
    wrong = [at for at, name, above in exceptions if len(above & TREE) != 1 and name not in TREE | {"EdgeloopError"}]
    assert not wrong, f"derive these from RetryableError, InvalidError or FatalError: {wrong}"
    assert not [at for at, name, _ in exceptions if not name.endswith("Error")]
    assert len({name for _, name, _ in exceptions}) == len(exceptions), "one name is one error"
    assert len(exceptions) > 50

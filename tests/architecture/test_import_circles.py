"""No modules of ours import each other in a circle, imports for type checking included."""

from __future__ import annotations

from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]


def circles(edges: dict[str, set[str]]) -> list[set[str]]:
    """Groups of more than one node that reach each other (Tarjan's strongly connected components)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[set[str]] = []

    def visit(node: str) -> None:
        number[node] = lowest[node] = len(number)
        stack.append(node)
        for other in sorted(edges[node]):
            if other not in number:
                visit(other)
                lowest[node] = min(lowest[node], lowest[other])
            elif other in stack:
                lowest[node] = min(lowest[node], number[other])
        if lowest[node] == number[node]:
            at = stack.index(node)
            group = set(stack[at:])
            del stack[at:]
            if len(group) > 1:
                found.append(group)

    for node in sorted(edges):
        if node not in number:
            visit(node)
    return found


def test_a_circle_is_found_and_a_diamond_is_none() -> None:
    assert circles({"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}) == []
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == [{"b", "c"}]


def test_no_module_imports_itself_through_others() -> None:
    packages = sorted(path.parent.name for pattern in ("*/*/src/*/__init__.py", "cli/src/*/__init__.py") for path in ROOT.glob(pattern))
    graph = grimp.build_graph(*packages, cache_dir=None)
    found = circles({module: graph.find_modules_directly_imported_by(module) for module in graph.modules})
    assert len(packages) > 20
    assert found == [], f"break these apart: {found}"

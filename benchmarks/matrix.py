"""Tables of figures that are named ``benchmark/table/line/column``."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from benchmarks.figures import Figure

PARTS = 4


def is_matrix(figures: Sequence[Figure]) -> bool:
    """True if all of them have such names."""
    return all(one.name.count("/") == PARTS - 1 for one in figures)


def matrices(figures: Sequence[Figure], number: Callable[[float], str]) -> list[str]:
    """Lines of Markdown: one table per second part of the names, with missed aims marked."""
    lines: list[str] = []
    for table in dict.fromkeys(_part(one, 1) for one in figures):
        own = {(_part(one, 2), _part(one, 3)): one for one in figures if _part(one, 1) == table}
        columns = list(dict.fromkeys(column for _, column in own))
        lines += [f"| {table} | {' | '.join(columns)} |", "| --- " * (len(columns) + 1) + "|"]
        for line in dict.fromkeys(line for line, _ in own):
            cells = [_cell(own.get((line, column)), number) for column in columns]
            lines.append(f"| {line} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def _cell(one: Figure | None, number: Callable[[float], str]) -> str:
    if one is None:
        return ""
    text = number(one.value)
    if one.met() is False:
        text += f" **missed {number(one.aim or 0.0)}**"
    if one.note:
        text += f" ({one.note})"
    return text


def _part(one: Figure, number: int) -> str:
    return one.name.split("/")[number]

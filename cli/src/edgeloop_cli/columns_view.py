"""Table of a CSV file's columns for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from edgeloop_replay.tables.column_report import Column
from edgeloop_replay.tables.stream_table import StreamTable
from rich.console import Group
from rich.markup import escape
from rich.table import Table

MANY = 12  # plain numbers, from which on they are one line
LONGEST = 24  # characters of an example


def columns_of(table: StreamTable) -> Group:
    """A line a column, and what should be known of them; nothing for recorded rows."""
    if not table.columns:
        return Group()
    shown = Table("column", "taken as", "examples", "missing", box=None, header_style="dim", pad_edge=False)
    shown.columns[3].justify = "right"
    plain = [column for column in table.columns if column.taken_as == "number" and not column.notes]
    together = plain if len(plain) > MANY else []
    for column in table.columns:
        if column not in together:
            missing = f"{column.missing:,}" if column.missing else ""
            shown.add_row(escape(column.name), _taken_as(column, table), escape(_examples(column)), missing)
        elif column is together[0]:
            missing = sum(each.missing for each in together)
            names = f"{column.name}, {together[1].name} … {together[-1].name}"
            shown.add_row(escape(names), f"{len(together)} numbers", "", f"{missing:,}" if missing else "")
    notes = [f"[yellow]{escape(column.name)}[/]: {escape(note)}" for column in table.columns for note in _worth_telling(column)]
    return Group("", shown, *notes)


def _taken_as(column: Column, table: StreamTable) -> str:
    match column.taken_as:
        case "label":
            return "label, a number" if table.tolerance else f"label, {len(table.classes):,} classes"
        case "category":
            return f"category, {column.categories:,} of them"
        case "time":
            return f"event time, {column.notes[0]}"
        case other:
            return other


def _worth_telling(column: Column) -> Sequence[str]:
    return column.notes[1:] if column.taken_as == "time" else column.notes


def _examples(column: Column) -> str:
    return ", ".join(text if len(text) <= LONGEST else f"{text[:LONGEST]}…" for text in column.examples)

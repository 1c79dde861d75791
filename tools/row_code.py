"""Generated methods of records that hold rows: ``slice``, ``concat``, ``from_row``, ``from_columns`` and what belongs to them.

Attributes of a schema that say how rows are held:

``"row_record": "<Record>"``, on a batch
    The record of one row, of which a batch can be made. On a record of one row: the record that the same row has in another form.
``"rows_of": "<Batch>"``, on a batch
    The batch from which its rows are taken.
``"per_row": "count" | "first" | "packed" | "each" | "optional"``, on a field
    How the field belongs to the rows, see ``edgeloop_contracts.rows.PerRow``. A field without it has one value for all rows.
``"row_field": "<field>"``, on a field
    What the field is called in the record of one row; the field's own name if it is not given.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

KINDS = ("count", "first", "packed", "each", "optional")
EMPTY = {"string": '""', "long": "0", "int": "0", "double": "0.0", "float": "0.0", "boolean": "False", "bytes": 'b""'}
Annotate = Callable[[Any], str]


def row_methods(avro: dict[str, Any], records: Mapping[str, Any], annotation: Annotate) -> list[str]:
    """Lines of the methods that a record has because it holds rows; none for other records."""
    if not any("per_row" in f for f in avro["fields"]):
        return _other_form(avro, records[avro["row_record"]], annotation) if "row_record" in avro else []
    batch = _Batch(avro)
    lines = [*batch.constants(), *batch.size(), *batch.slice(), *batch.follows(), *batch.concat()]
    if "row_record" in avro:
        lines += batch.from_row(records[avro["row_record"]])
    if "rows_of" in avro:
        lines += batch.from_rows(_Batch(records[avro["rows_of"]]), annotation)
    return lines


class _Batch:
    """One batch record."""

    def __init__(self, avro: dict[str, Any]) -> None:
        self.name: str = avro["name"]
        self.fields: list[Any] = avro["fields"]
        self.kinds = {f["name"]: f["per_row"] for f in self.fields if "per_row" in f}
        self.row_names = {f["name"]: f.get("row_field", f["name"]) for f in self.fields}
        for name, kind in self.kinds.items():
            if kind not in KINDS:
                raise SystemExit(f"generate: {self.name}.{name}: expected per_row to be one of {', '.join(KINDS)}, given {kind!r}")
        self.shared = [f["name"] for f in self.fields if f["name"] not in self.kinds]
        counted = [name for kind in ("count", "each") for name in self.kinds if self.kinds[name] == kind]
        if not counted:
            raise SystemExit(f"generate: {self.name}: expected a field with per_row count or each, which tells the number of rows")
        self.count = counted[0] if self.kinds[counted[0]] == "count" else f"len(self.{counted[0]})"
        self.rows = f"self.{self.count}" if self.kinds[counted[0]] == "count" else self.count

    def of_kind(self, *kinds: str) -> list[Any]:
        return [f for f in self.fields if self.kinds.get(f["name"]) in kinds]

    def constants(self) -> list[str]:
        kinds = ", ".join(f'"{name}": PerRow.{kind.upper()}' for name, kind in self.kinds.items())
        return [
            "",
            f"    ROW_FIELDS: ClassVar[Mapping[str, PerRow]] = {{{kinds}}}",
            f"    SHARED: ClassVar[tuple[str, ...]] = {tuple(self.shared)!r}",
            "",
            "    @property",
            "    def rows(self) -> int:",
            '        """Number of rows."""',
            f"        return {self.rows}",
        ]

    def size(self) -> list[str]:
        texts = [f["name"] for f in self.of_kind("each", "optional") if f["type"]["items"] == "string"]
        numbers = [f["name"] for f in self.of_kind("each", "optional") if f["type"]["items"] != "string"]
        packed = [f"len(self.{f['name']}) // self.rows" for f in self.of_kind("packed")]
        named = ", ".join(f'("{self.row_names[name].replace("_", " ")}", self.{name})' for name in texts)
        longest = [f"4 * longest(self.{name})" for name in texts]
        return [
            "",
            "    @property",
            "    def row_texts(self) -> tuple[tuple[str, tuple[str, ...]], ...]:",
            '        """Fields of one text a row: what the text is called, and the texts."""',
            f"        return ({named}{',' if len(texts) == 1 else ''})",
            "",
            "    @property",
            "    def row_bytes(self) -> int:",
            '        """Upper bound of the bytes of one row in Avro."""',
            f"        return {' + '.join([*packed, *longest, str(10 * len(numbers) + 3 * len(texts))])}",
            *(line for f in self.of_kind("packed") for line in self.packed_row(f["name"])),
        ]

    def packed_row(self, name: str) -> list[str]:
        return [
            "",
            f"    def row_{name}(self, row: int) -> bytes:",
            f'        """Packed {name} of one row."""',
            f"        width = len(self.{name}) // self.rows",
            f"        return self.{name}[row * width : (row + 1) * width]",
        ]

    def slice(self) -> list[str]:
        values = {"first": "number_of(self.{0}, first)", "count": "end - first", "each": "self.{0}[first:end]"}
        values |= {"optional": "not_empty(self.{0}[first:end])", "packed": "self.{0}[first * {0}_width : end * {0}_width]"}
        return [
            "",
            "    def slice(self, first: int, end: int) -> Self:",
            '        """Rows ``[first, end)``."""',
            "        if first == 0 and end == self.rows:",
            "            return self",
            *(f"        {f['name']}_width = len(self.{f['name']}) // self.rows" for f in self.of_kind("packed")),
            "        return type(self)(",
            *(f"            {f['name']}={values.get(self.kinds.get(f['name'], ''), 'self.{0}').format(f['name'])}," for f in self.fields),
            "        )",
        ]

    def follows(self) -> list[str]:
        same = [f"self.{name} == before.{name}" for name in self.shared]
        same += [f"self.{f['name']} == number_of(before.{f['name']}, before.rows)" for f in self.of_kind("first")]
        same += [f"len(self.{f['name']}) * before.rows == len(before.{f['name']}) * self.rows" for f in self.of_kind("packed")]
        return [
            "",
            "    def follows(self, before: Self) -> bool:",
            '        """True if this batch continues ``before``: equal shared fields, consecutive numbers, rows of equal width."""',
            "        return (",
            f"            {same[0]}",
            *(f"            and {one}" for one in same[1:]),
            "        )",
        ]

    def concat(self) -> list[str]:
        values = {"count": "sum(part.{0} for part in parts)", "packed": 'b"".join([part.{0} for part in parts])'}
        values |= {"each": "tuple(x for part in parts for x in part.{0})"}
        values |= {"optional": "joined([(part.{0}, part.rows) for part in parts], {1})"}
        lines = [
            "",
            "    @classmethod",
            "    def concat(cls, parts: Sequence[Self]) -> Self:",
            '        """Batches that follow one another as one; raises ``ValueError`` if they do not."""',
            "        head = parts[0]",
            "        if len(parts) == 1:",
            "            return head",
            "        check_consecutive(parts)",
            "        return cls(",
        ]
        for f in self.fields:
            kind = self.kinds.get(f["name"], "")
            empty = EMPTY[f["type"]["items"]] if kind == "optional" else ""
            lines.append(f"            {f['name']}={values.get(kind, 'head.{0}').format(f['name'], empty)},")
        return [*lines, "        )"]

    def from_row(self, row: dict[str, Any]) -> list[str]:
        held = {f["name"]: f for f in row["fields"]}
        if lost := set(held) - {self.row_names[f["name"]] for f in self.fields}:
            raise SystemExit(f"generate: {row['name']}: {', '.join(sorted(lost))}: no field of {self.name} holds it")
        one, many = list[str](), list[str]()
        values = {"first": "row.{0}", "each": "(row.{0},)", "optional": "(row.{0},) if row.{0} else ()", "packed": "packed(row.{0})"}
        columns = {"first": 'rows.one("{0}", first)', "packed": 'rows.packed("{0}", first, end)'}
        columns |= {"each": 'rows.values("{0}", first, end)', "optional": 'not_empty(rows.values("{0}", first, end))'}
        for f in self.fields:
            name, kind = f["name"], self.kinds.get(f["name"], "")
            if kind == "count":
                one.append(f"            {name}=1,")
                many.append(f"            {name}=end - first,")
            elif self.row_names[name] in held:
                one.append(f"            {name}={values.get(kind, 'row.{0}').format(self.row_names[name])},")
                many.append(f"            {name}={columns.get(kind, columns['first']).format(self.row_names[name])},")
        first = [self.row_names[f["name"]] for f in self.of_kind("first")]
        shared = [name for name in self.shared if name in held]
        return [
            "",
            f"    ROW_NUMBER: ClassVar[str] = {first[0]!r}",
            f"    ROW_SHARED: ClassVar[tuple[str, ...]] = {tuple(shared)!r}",
            "",
            "    @classmethod",
            f"    def from_row(cls, row: {row['name']}) -> Self:",
            '        """A batch of one row."""',
            *("        return cls(", *one, "        )", ""),
            "    @classmethod",
            "    def from_columns(cls, rows: RowColumns, first: int, end: int) -> Self:",
            '        """Rows ``[first, end)``, which have consecutive numbers and agree in ``ROW_SHARED``."""',
            *("        return cls(", *many, "        )"),
        ]

    def from_rows(self, source: _Batch, annotation: Annotate) -> list[str]:
        values = {"first": "number_of(batch.{0}, row)", "each": "batch.{0}[row]", "": "batch.{0}"}
        values |= {"optional": "batch.{0}[row] if batch.{0} else {1}"}
        there = {source.row_names[f["name"]]: f for f in source.fields}
        copied = [name for name in self.shared if name in source.shared]
        given: list[str] = []
        lines: list[str] = []
        for f in self.fields:
            name, kind, other = f["name"], self.kinds.get(f["name"], ""), there.get(self.row_names[f["name"]])
            if name in copied:
                lines.append(f"            {name}=head.{name},")
            elif kind in {"", "first"} or other is None:
                given.append(f"{name}: {annotation(f['type'])}")
                lines.append(f"            {name}={name},")
            elif kind == "packed":
                lines.append(f'            {name}=b"".join([batch.row_{other["name"]}(row) for batch, row in rows]),')
            else:
                empty = EMPTY[f["type"]["items"]]
                value = values[source.kinds.get(other["name"], "")].format(other["name"], empty)
                row = "row" if "row" in value.replace("rows", "") else "_"
                made = f"tuple([{value} for batch, {row} in rows])"
                lines.append(f"            {name}={f'not_empty({made})' if kind == 'optional' else made},")
        heads = "".join(f"batch.{name}, " for name in copied).strip()
        return [
            "",
            "    @staticmethod",
            f"    def shared_of(batch: {source.name}) -> tuple[object, ...]:",
            '        """Shared fields of rows that go into one batch."""',
            f"        return ({heads})",
            "",
            "    @classmethod",
            f"    def from_rows(cls, rows: Sequence[tuple[{source.name}, int]], *, {', '.join(given)}) -> Self:",
            f'        """Rows by their places in batches that agree in :meth:`shared_of`, with what {source.name} does not hold."""',
            "        head = rows[0][0]",
            *("        return cls(", *lines, "        )"),
        ]


def _other_form(avro: dict[str, Any], other: dict[str, Any], annotation: Annotate) -> list[str]:
    """The same row as another record; what it holds by name, in a map, the caller brings in order."""
    own = {f["name"]: f["type"] for f in avro["fields"]}
    there = {f["name"]: f["type"] for f in other["fields"]}
    same = [name for name in there if own.get(name) == there[name]]
    if lost := [
        name for name, avro_type in own.items() if name not in same and not (isinstance(avro_type, dict) and "values" in avro_type)
    ]:
        raise SystemExit(f"generate: {avro['name']}: {', '.join(lost)}: {other['name']} has no such field")
    given = ", ".join(f"{name}: {annotation(there[name])}" for name in there if name not in same)
    return [
        "",
        f"    def as_row(self, *, {given}) -> {other['name']}:",
        f'        """The row as :class:`{other["name"]}`."""',
        f"        return {other['name']}(",
        *(f"            {name}={f'self.{name}' if name in same else name}," for name in there),
        "        )",
    ]

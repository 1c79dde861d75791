"""Topics, subjects and plans as tables and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from edgeloop_contracts import Topic
from edgeloop_contracts.topic import DAY, FOREVER, HOUR, MINUTE
from rich.table import Table

from edgeloop_cli.topics_access import readers
from edgeloop_cli.topics_plan import Plan, Sizes, Status, SubjectPlan

STYLES = {Status.MISSING: "yellow", Status.DIFFERS: "red", Status.OK: "green"}
Ids = Mapping[str, int]


def duration(milliseconds: int) -> str:
    """A retention as people say it.

    >>> duration(3 * DAY), duration(90 * MINUTE), duration(FOREVER)
    ('3 d', '90 min', 'for ever')
    """
    if milliseconds == FOREVER:
        return "for ever"
    for unit, name in ((DAY, "d"), (HOUR, "h"), (MINUTE, "min")):
        if milliseconds % unit == 0:
            return f"{milliseconds // unit} {name}"
    return f"{milliseconds} ms"


def fields_of(kind: Any) -> list[dict[str, Any]]:
    """Name, type and default of each field of an event; those of a nested record follow it, as ``file.digest``."""
    named: dict[str, Any] = {}
    return [one for field in json.loads(kind.SCHEMA)["fields"] for one in _with_nested(field, "", named)]


def _with_nested(field: Any, head: str, named: dict[str, Any]) -> list[dict[str, Any]]:
    """A field and those of the record that it holds, if any; types that are defined once are kept by name."""
    name, avro = head + field["name"], field["type"]
    held = next(one for one in avro if one != "null") if isinstance(avro, list) else avro
    if isinstance(held, dict) and held["type"] == "record":
        named[held["name"]] = held
    record = held if isinstance(held, dict) and held["type"] == "record" else named.get(held) if isinstance(held, str) else None
    nested = record["fields"] if record else []
    own = {"name": name, "type": _type(avro), "default": field["default"]}
    return [own, *(one for inner in nested for one in _with_nested(inner, f"{name}.", named))]


def as_objects(topics: Iterable[Topic], sizes: Sizes, prefix: str, ids: Ids) -> list[dict[str, Any]]:
    """Topics for programs.

    Parameters
    ----------
    topics, sizes, prefix
        What to tell of.
    ids
        By subject, where the registry was asked.
    """
    return [
        {
            "name": prefix + topic.name,
            "key": topic.key.text,
            "partitions": sizes.wanted(topic).partitions,
            "retention_ms": None if topic.compacted or topic.retention_ms == FOREVER else topic.retention_ms,
            "compacted": topic.compacted,
            "timestamps": "LogAppendTime" if topic.log_append_time else "CreateTime",
            "max_bytes": topic.max_bytes,
            "producer": topic.producer or None,
            "consumers": list(readers(topic)),
            "events": [
                {
                    "type": kind.FULLNAME,
                    "subject": prefix + topic.subject(kind),
                    "schema_id": ids.get(prefix + topic.subject(kind)),
                    "fields": fields_of(kind),
                }
                for kind in topic.kinds
            ],
        }
        for topic in topics
    ]


def listing(objects: Iterable[Mapping[str, Any]]) -> Table:
    """One row for each event type of each topic."""
    table = Table("topic", "event", "schema id", "key", "partitions", "kept", "written by", "read by", box=None, header_style="bold")
    for topic in objects:
        kept = "newest of each key" if topic["compacted"] else duration(topic["retention_ms"] or FOREVER)
        about = [topic["key"], str(topic["partitions"]), kept, topic["producer"] or "anybody", ", ".join(topic["consumers"])]
        for number, event in enumerate(topic["events"]):
            schema_id = "-" if event["schema_id"] is None else str(event["schema_id"])
            head = [topic["name"] if number == 0 else "", event["type"].removeprefix("edgeloop."), schema_id]
            table.add_row(*head, *(about if number == 0 else [""] * len(about)))
    return table


def fields_table(topic: Mapping[str, Any]) -> Table:
    """All fields of one topic's events."""
    table = Table("event", "field", "type", "default", box=None, header_style="bold")
    for event in topic["events"]:
        for number, field in enumerate(event["fields"]):
            default = json.dumps(field["default"], ensure_ascii=False)
            table.add_row(event["type"] if number == 0 else "", field["name"], field["type"], default)
    return table


def plan_table(plan: Plan, prefix: str) -> Table:
    """Findings of a plan; items in order are only counted."""
    table = Table("what", "name", "stands", "details", box=None, header_style="bold")
    for one in plan.topics:
        if one.status is not Status.OK:
            wanted = one.wanted
            made = f"{wanted.partitions} partitions, {wanted.replication} copies, {wanted.config['cleanup.policy']}"
            details = "\n".join(map(str, one.differences)) or made
            table.add_row("topic", prefix + wanted.topic.name, _styled(one.status), details)
    for subject in plan.subjects:
        if subject.status is not Status.OK:
            table.add_row("schema", subject.subject, _styled(subject.status), _subject_details(subject))
    for what, ones in (("topics", plan.topics), ("schemas", plan.subjects)):
        fine = sum(one.status is Status.OK for one in ones)
        if fine:
            table.add_row(what, f"{fine} of {len(ones)}", _styled(Status.OK), "")
    return table


def _subject_details(subject: SubjectPlan) -> str:
    if subject.status is Status.MISSING:
        return "new version" if subject.known else "new subject"
    return f"compatibility {subject.level or 'not set'}"


def _styled(status: Status) -> str:
    return f"[{STYLES[status]}]{status}[/]"


def _type(avro: Any) -> str:
    match avro:
        case {"type": "array", "items": items}:
            return f"array<{_type(items)}>"
        case {"type": "map", "values": values}:
            return f"map<{_type(values)}>"
        case {"name": name}:
            return str(name)
        case list():
            return " | ".join(map(_type, avro))
        case _:
            return str(avro)

"""``docs/asyncapi.yaml`` and ``docs/topics.md``, generated from the declared topics, the schemas and the services.

``python tools/generate_topics.py`` writes both; ``--check`` exits with 1 if they are not up to date.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from edgeloop_cli.topics_access import reads, writes
from edgeloop_cli.topics_plan import DEFAULT_PARTITIONS, Sizes
from edgeloop_cli.topics_view import duration
from edgeloop_contracts import Event, Partitions, Topic, topics
from edgeloop_contracts.registered import TEXTS

ROOT = Path(__file__).resolve().parent.parent
SERVICES = tuple(sorted(path.parent.name for path in ROOT.glob("services/*/pyproject.toml")))
HEADERS = {
    "ce_specversion": "Version of CloudEvents, `1.0`.",
    "ce_id": "Id of the event, derived from its content, sender and cause; a repeated event has the same id.",
    "ce_source": "Sender: `/edgeloop/<service>`.",
    "ce_type": "Full name of the Avro record.",
    "ce_time": "Time of the event, ISO 8601 in UTC.",
    "ce_correlationid": "Id of the first event of the chain of causes.",
    "ce_causationid": "Id of the event that caused this one; absent on the first event of a chain.",
    "ce_causationat": "Place of that event, as `topic/partition/offset`.",
    "content-type": "`application/avro`.",
    "traceparent": "W3C trace context.",
}
AVRO = "application/vnd.apache.avro;version=1.9.0"
HEAD = "# All topics of edgeloop, made by `make generate` from the topics, the schemas and the services. Do not edit.\n"
INTRODUCTION = f"""<!-- topics: made by `make generate` -->

# Topics

Every topic with its key, its records, and the services that write and read it. [`asyncapi.yaml`](asyncapi.yaml) has the same for programs, as an
AsyncAPI 3 document with all schemas.

- A value is Avro in Confluent's frame: a zero byte, the id of the schema in four bytes, the record.
- A key is text. Its `murmur2` hash chooses the partition, except where the table has another rule.
- A topic with *many* partitions has {DEFAULT_PARTITIONS} on a new cluster; `edgeloop topics --apply --partitions N` sets another number.
- A compacted topic keeps the newest record of each key.
- Each field of a record has a default, so schemas can change in both directions.

Each record that a service sends has these headers. Raw input may lack them.

"""


def main() -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file is not up to date")
    check, late = parser.parse_args().check, False
    for path, text in ((ROOT / "docs/asyncapi.yaml", as_yaml(document())), (ROOT / "docs/topics.md", page())):
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if check:
            print(f"{path.relative_to(ROOT)} does not match topics, schemas and services: run make generate", file=sys.stderr)
            late = True
        else:
            path.write_text(text, encoding="utf-8")
    return int(late)


def as_yaml(content: dict[str, Any]) -> str:
    """The document as a file."""
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=140, allow_unicode=True)


def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    kinds = {kind.FULLNAME for topic in topics.all_topics() for kind in topic.kinds}
    return {
        "asyncapi": "3.1.0",
        "info": {
            "title": "edgeloop",
            "version": (ROOT / "VERSION").read_text(encoding="utf-8").strip(),
            "description": "Topics through which the services, the devices and other programs work together.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": "application/avro",
        "servers": {
            "local": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "The broker of `edgeloop up`; EDGELOOP_KAFKA_BOOTSTRAP names another one.",
                "bindings": {
                    "kafka": {
                        "schemaRegistryUrl": "http://127.0.0.1:8081/apis/ccompat/v7",
                        "schemaRegistryVendor": "confluent",
                        "bindingVersion": "0.5.0",
                    }
                },
            }
        },
        "channels": {topic.name: channel(topic) for topic in topics.all_topics()},
        "operations": dict(operations()),
        "components": {
            "schemas": {name: {"schemaFormat": AVRO, "schema": json.loads(text)} for name, text in sorted(TEXTS.items()) if name in kinds},
            "messageTraits": {
                "cloudevent": {
                    "headers": {
                        "type": "object",
                        "properties": {name: {"type": "string", "description": text} for name, text in HEADERS.items()},
                    }
                }
            },
        },
    }


def channel(topic: Topic) -> dict[str, Any]:
    """A topic as a channel."""
    wanted = Sizes().wanted(topic)
    config: dict[str, Any] = {name: int(text) if text.lstrip("-").isdigit() else text for name, text in wanted.config.items()}
    config["cleanup.policy"] = [config["cleanup.policy"]]
    del config["min.insync.replicas"]  # of the cluster, not of the topic
    return {
        "address": topic.name,
        "description": " ".join(doc(kind) for kind in topic.kinds),
        "messages": {kind.FULLNAME.rpartition(".")[2]: message(topic, kind) for kind in topic.kinds},
        "bindings": {
            "kafka": {"topic": topic.name, "partitions": wanted.partitions, "topicConfiguration": config, "bindingVersion": "0.5.0"}
        },
    }


def message(topic: Topic, kind: type[Event]) -> dict[str, Any]:
    """A record of a topic as a message."""
    return {
        "name": kind.FULLNAME,
        "summary": doc(kind),
        "payload": {"$ref": f"#/components/schemas/{kind.FULLNAME}"},
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key.text},
                "schemaIdLocation": "payload",
                "schemaIdPayloadEncoding": "confluent",
                "schemaLookupStrategy": "TopicNameStrategy" if len(topic.kinds) == 1 else "TopicRecordNameStrategy",
                "bindingVersion": "0.5.0",
            }
        },
    }


def operations() -> Iterator[tuple[str, dict[str, Any]]]:
    """An operation for each topic that a service reads or writes."""
    for service in SERVICES:
        for verb, action, named in (("reads", "receive", reads(service)), ("writes", "send", writes(service))):
            for topic in named:
                yield (
                    f"{service}.{verb}.{topic.name}",
                    {
                        "action": action,
                        "title": f"{service} {verb} {topic.name}",
                        "channel": {"$ref": f"#/channels/{topic.name}"},
                        "tags": [{"name": service}],
                    },
                )


def page() -> str:
    """The page about topics."""
    groups = {
        "Input from programs and devices": [t for t in topics.PUBLIC if not t.producer and t.name.endswith(".raw")],
        "Commands of people": [t for t in topics.PUBLIC if not t.producer and not t.name.endswith(".raw") and t is not topics.GAPS],
        "Facts": [t for t in topics.FACTS if t.producer],
        "Between services": [t for t in topics.PUBLIC if (t.producer and t not in topics.FACTS) or t is topics.GAPS],
        "State, dead letters and redrives of services": [t for t in topics.all_topics() if t not in topics.PUBLIC],
    }
    assert sum(map(len, groups.values())) == len(topics.all_topics())
    parts = [INTRODUCTION, rows(("header", "content"), ((f"`{name}`", text) for name, text in HEADERS.items()))]
    for title, members in groups.items():
        parts.append(f"\n## {title}\n\n{listing(members)}")
    kinds = {kind.FULLNAME: kind for topic in topics.PUBLIC for kind in topic.kinds}
    kinds |= {kind.FULLNAME: kind for make in (topics.dead_letters, topics.redrive) for kind in make("ingestion").kinds}
    parts.append("\n## Records\n\nRecords of state topics are in the document alone: only their own service reads them.\n")
    for name in sorted(kinds):
        kind = kinds[name]
        carried = ", ".join(f"`{topic.name}`" for topic in topics.PUBLIC if kind in topic.kinds)
        parts.append(f"\n### {short(kind)}\n\n{doc(kind)}\n\n" + (f"In {carried}.\n\n" if carried else ""))
        parts.append(rows(("field", "type", "default", "meaning"), fields(json.loads(TEXTS[name]))))
    return "".join([*parts, "<!-- end of topics -->\n"])


def listing(members: Iterable[Topic]) -> str:
    """A table of topics."""
    titles = ("topic", "records", "key", "partitions", "kept", "written by", "read by")
    return rows(titles, (row(topic) for topic in members))


def row(topic: Topic) -> tuple[str, ...]:
    """A topic in a table."""
    public = topic in topics.PUBLIC or topic.name.startswith(("deadletters.", "redrive."))
    kinds = ", ".join(f"[{short(kind)}](#{short(kind).lower()})" if public else short(kind) for kind in topic.kinds)
    writers = [service for service in SERVICES if topic in writes(service)]
    readers = [service for service in SERVICES if topic in reads(service)]
    return (
        f"`{topic.name}`",
        kinds,
        topic.key.text,
        "one" if topic.partitions is Partitions.ONE else "many",
        "compacted" if topic.compacted else duration(topic.retention_ms),
        ", ".join([*([] if topic.producer or topic is topics.GAPS else ["anybody"]), *writers]),
        ", ".join(readers) or "-",
    )


def fields(schema: dict[str, Any], within: str = "") -> Iterator[tuple[str, ...]]:
    """A record's fields; those of records inside have names with dots."""
    for field in schema["fields"]:
        inner = next((each for each in _inside(field["type"]) if isinstance(each, dict) and each["type"] == "record"), None)
        default = "" if inner and field["default"] else f"`{json.dumps(field['default'], ensure_ascii=False)}`"
        yield f"`{within}{field['name']}`", type_name(field["type"]), default, field.get("doc", "")
        if inner:
            yield from fields(inner, f"{within}{field['name']}.")


def _inside(avro: Any) -> list[Any]:
    """A type, or the types inside an array, map or union."""
    match avro:
        case list():
            return [each for part in avro for each in _inside(part)]
        case {"type": "array", "items": items}:
            return _inside(items)
        case {"type": "map", "values": values}:
            return _inside(values)
        case _:
            return [avro]


def type_name(avro: Any) -> str:
    """A type as the page shows it; an enum with its symbols."""
    match avro:
        case {"type": "array", "items": items}:
            return f"array of {type_name(items)}"
        case {"type": "map", "values": values}:
            return f"map of {type_name(values)}"
        case {"type": "enum", "symbols": symbols}:
            return "enum: " + ", ".join(f"`{symbol}`" for symbol in symbols)
        case {"type": "record", "name": name}:
            return str(name)
        case list():
            return " or ".join(type_name(each) for each in avro if each != "null") + (", optional" if "null" in avro else "")
        case {"type": plain}:
            return str(plain)
        case _:
            return str(avro).rpartition(".")[2]


def rows(titles: Iterable[str], lines: Iterable[Iterable[str]]) -> str:
    """A table in Markdown."""
    heads = list(titles)
    body = [heads, ["---"] * len(heads), *map(list, lines)]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in body)


def doc(kind: type[Event]) -> str:
    """The doc of a record's schema."""
    return " ".join(json.loads(TEXTS[kind.FULLNAME]).get("doc", "").split())


def short(kind: type[Event]) -> str:
    """A record's name without its namespace."""
    return kind.FULLNAME.rpartition(".")[2]


if __name__ == "__main__":
    sys.exit(main())

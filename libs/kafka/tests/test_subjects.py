"""Somebody else's schema as the newest of a subject is told, with what it loses."""

from __future__ import annotations

import json
from typing import Any

from edgeloop_contracts import Label, topics
from edgeloop_contracts.registered import TEXTS
from edgeloop_kafka import UnknownSchemaError
from edgeloop_kafka.framing import SchemaId
from edgeloop_kafka.schema_registry import Latest, WrittenSchema
from edgeloop_kafka.subjects import foreign


class Registry:
    def __init__(self, **newest: Any) -> None:
        self.newest = {name.replace("__", ".") + "-value": found for name, found in newest.items()}

    def latest(self, subject: str) -> Latest:
        if subject not in self.newest:
            raise UnknownSchemaError(subject)
        return Latest(list(self.newest).index(subject), 3, "")

    def schema(self, wanted: SchemaId) -> WrittenSchema:
        return list(self.newest.values())[int(wanted.value)]


def label(*names: str, **more: Any) -> WrittenSchema:
    schema = json.loads(TEXTS[Label.FULLNAME])
    schema["fields"] = [one for one in schema["fields"] if not names or one["name"] in names]
    schema["fields"] += [{"name": name, "type": avro, "default": None} for name, avro in more.items()]
    return WrittenSchema(json.dumps(schema))


def test_our_own_schema_with_docs_or_without_is_ours() -> None:
    assert not foreign(Registry(labels__raw=WrittenSchema(TEXTS[Label.FULLNAME])), "")
    assert not foreign(Registry(labels__raw=WrittenSchema(Label.SCHEMA)), "")
    assert not foreign(Registry(), "")


def test_a_schema_with_fewer_fields_is_told_with_what_it_loses() -> None:
    [one] = foreign(Registry(labels__raw=label("tenant", "stream", "device_id", "boot_epoch", "seq", "label")), "")
    assert str(one).startswith("labels.raw-value: version 3 (schema id 0) is not ours: it lacks event_time, request_id; ")
    assert not one.harmful
    [one] = foreign(Registry(labels__raw=label("stream", "device_id", "boot_epoch", "seq", "label")), "")
    assert "no tenant" in one.why
    assert one.harmful


def test_a_schema_with_more_fields_or_of_another_kind_is_told() -> None:
    [one] = foreign(Registry(labels__raw=label(operator=["null", "string"])), "")
    assert "has operator besides" in one.why
    assert not one.harmful
    [one] = foreign(Registry(labels__raw=WrittenSchema("syntax", format="PROTOBUF")), "")
    assert one.harmful
    assert [one.subject for one in foreign(Registry(labels__raw=WrittenSchema('"string"')), "", [topics.LABELS_RAW])] == [
        "labels.raw-value"
    ]

"""The generated description of topics agrees with the code."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
from edgeloop_contracts import Label, topics
from edgeloop_kafka.causation import Cause, event_headers

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate_topics", ROOT / "tools/generate_topics.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_header_that_events_have_is_described(generator: ModuleType) -> None:
    cause = Cause(id="a", correlation="b", at="labels/0/1")
    sent = event_headers(
        Label(tenant="default", stream="", device_id=""), source="labels", key="k", body=b"", cause=cause, trace="", time_ms=0
    )
    assert set(sent) == set(generator.HEADERS)


def test_each_topic_is_a_channel_with_its_records_key_partitions_and_retention(generator: ModuleType) -> None:
    document = generator.document()
    assert list(document["channels"]) == [topic.name for topic in topics.all_topics()]
    label = document["channels"]["labels.raw"]
    kafka = label["bindings"]["kafka"]
    assert kafka["topicConfiguration"]["retention.ms"] == topics.LABELS_RAW.retention_ms
    assert kafka["partitions"] == 4
    assert list(label["messages"]) == ["Label"]
    assert label["messages"]["Label"]["bindings"]["kafka"]["key"]["description"] == topics.Key.DEVICE.text


def test_each_operation_and_each_payload_leads_to_something(generator: ModuleType) -> None:
    text = generator.as_yaml(generator.document())
    document = generator.document()
    for reference in set(re.findall(r"\$ref: '?(#/[^'\n]+)", text)):
        found = document
        for part in reference.removeprefix("#/").split("/"):
            found = found[part]
        assert found


def test_a_topic_tells_who_writes_and_who_reads_it(generator: ModuleType) -> None:
    cells = generator.row(topics.LABELS)
    assert cells[5:] == ("ingestion", "labels")
    assert generator.row(topics.LABELS_RAW)[5] == "anybody, ingestion"

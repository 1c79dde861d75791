from __future__ import annotations

from typing import Any

from edgeloop_contracts import Feature, StreamDefinition
from edgeloop_ingestion.io.definitions import StreamRules
from edgeloop_kafka import Received


class FakeTable:
    """What the topic holds, and what has been read of it."""

    def __init__(self) -> None:
        self.topic: dict[str, Received[Any]] = {}
        self.read: dict[str, Received[Any]] = {}
        self.refreshed = 0

    def define(self, width: int) -> None:
        event = StreamDefinition(tenant="t", stream="s", features=tuple(Feature(name=f"f{i}") for i in range(width)))
        self.topic["t/s"] = Received(event, "streams", 0, 0, 0, "t/s", "", "")

    def refresh(self) -> None:
        self.refreshed += 1
        self.read = dict(self.topic)

    def get(self, key: str, /) -> Received[Any] | None:
        return self.read.get(key)


def test_an_unknown_stream_is_looked_up_each_time_and_found_once_it_is_defined() -> None:
    table = FakeTable()
    rules = StreamRules(table, clock=lambda: 0.0)
    assert rules("t/s") is None
    table.define(2)
    found = rules("t/s")
    assert found is not None
    assert len(found.definition.features) == 2


def test_a_known_stream_is_looked_up_again_only_when_its_definition_has_aged() -> None:
    table, now = FakeTable(), [0.0]
    table.define(1)
    rules = StreamRules(table, max_age=5.0, clock=lambda: now[0])
    first = rules("t/s")
    assert rules("t/s") is first
    table.define(3)
    assert rules("t/s") is first
    now[0] = 5.1
    newer = rules("t/s")
    assert newer is not None
    assert len(newer.definition.features) == 3
    assert table.refreshed == 2

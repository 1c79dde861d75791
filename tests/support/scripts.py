"""A service whose tasks follow a test's script, key by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from edgeloop_contracts import Label, SeenRows, Topic, topics
from edgeloop_kafka import Received
from edgeloop_streaming import Effect, Send, Service, State
from support.stages import SERVICE, Process, Stage

Handle = Callable[[Received[Any], State], Iterable[Effect]]
Flush = Callable[[State], Iterable[Send]]
INPUTS = (topics.LABELS_RAW, topics.OBSERVATIONS, topics.DRIFT_SIGNALS)  # the service itself may write the second


def nothing(*_: Any) -> Iterable[Send]:
    return ()


def pass_on(received: Received[Any], _: State) -> Iterable[Effect]:
    return [Send(topics.LABELS, received.key, received.event)]


def count(received: Received[Any], state: State) -> Iterable[Effect]:
    """Pass on, with how many records of the key there have been."""
    seen = state.get(SeenRows, received.key) or SeenRows(ends=(0,))
    state.put(received.key, SeenRows(ends=(seen.ends[0] + 1,)))
    return [
        Send(
            topics.LABELS,
            received.key,
            Label(tenant="default", stream="", device_id="", seq=received.event.seq, label=str(seen.ends[0] + 1)),
        )
    ]


@dataclass
class Script:
    """Actions of tasks by key; none by default."""

    handle: dict[str, Handle] = field(default_factory=dict)
    flush: dict[str, Flush] = field(default_factory=dict)

    def service(self, inputs: tuple[Topic, ...] = INPUTS) -> Service:
        return Service(name=SERVICE, inputs=inputs, task=lambda _, state: Scripted(self, state))


class Scripted:
    """A task."""

    def __init__(self, script: Script, state: State) -> None:
        self._script = script
        self._state = state
        self._keys: list[str] = []

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        self._keys.append(received.key)
        return self._script.handle.get(received.key, nothing)(received, self._state)

    def flush(self) -> Iterable[Send]:
        keys, self._keys = dict.fromkeys(self._keys), []
        return [send for key in keys for send in self._script.flush.get(key, nothing)(self._state)]


@dataclass
class Scene:
    """One test's part in a running service: a key of its own."""

    stage: Stage
    process: Process
    script: Script
    key: str

    def on(self, handle: Handle, flush: Flush = nothing) -> None:
        self.script.handle[self.key] = handle
        self.script.flush[self.key] = flush

    def give(self, *numbers: int, partition: int | None = None) -> None:
        self.stage.publish(
            topics.LABELS_RAW, self.key, *(Label(tenant="default", stream="", device_id="", seq=n) for n in numbers), partition=partition
        )

    def records(self, topic: Topic = topics.LABELS) -> list[Received[Any]]:
        return [record for record in self.stage.records(topic) if record.key == self.key]

    def letters(self) -> list[Received[Any]]:
        return self.records(topics.dead_letters(SERVICE))

    def numbers(self) -> list[int]:
        return [record.event.seq for record in self.records()]

    def until(self, *numbers: int) -> list[Received[Any]]:
        """Wait until exactly these have been passed on; give back the records."""
        self.process.until(lambda: len(self.records()) >= len(numbers))
        assert sorted(self.numbers()) == sorted(numbers)
        return self.records()

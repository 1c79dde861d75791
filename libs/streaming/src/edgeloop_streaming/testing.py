"""Drive a task without a broker: one record, one transaction, and repeats and restarts at will."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from edgeloop_contracts import Cause, Checkpoint, Event, Topic

from edgeloop_streaming.causation import derived_id
from edgeloop_streaming.messages import Effect, Forward, InvalidEvent, Received, Reject, Send, Task
from edgeloop_streaming.state import CHECKPOINT_KEY, State


class TaskDriver:
    """Stands in for the loop around one partition of a service.

    Attributes
    ----------
    sent
        Everything sent so far, state not included.
    dead
        Dead letters so far: reason and message.
    stored
        The compacted state topic.
    """

    def __init__(self, make: Callable[[int, State], Task], partition: int = 0) -> None:
        self._make = make
        self.partition = partition
        self.stored: dict[str, Event] = {}
        self.sent: list[Send | Forward] = []
        self.dead: list[Reject] = []
        self.now = 0
        self._ends: dict[str, int] = {}
        self._last: list[Received[Any]] = []
        self.restart()

    def restart(self) -> None:
        """A new task from the stored state, as after a kill."""
        self.state = State()
        for key, event in self.stored.items():
            self.state.restore(key, event)
        self.task = self._make(self.partition, self.state)

    def receive(
        self, topic: Topic, event: Event, key: str = "", timestamp: int | None = None, offset: int | None = None, raw: bytes = b""
    ) -> Received[Any]:
        """Make the record that the loop would hand over; offsets count up by topic."""
        place = self._ends.get(topic.name, 0) if offset is None else offset
        self._ends[topic.name] = max(place + 1, self._ends.get(topic.name, 0))
        self.now = max(self.now, self.now + 1 if timestamp is None else timestamp)
        at = self.now if timestamp is None else timestamp
        event_id = derived_id("received", f"{topic.name}/{self.partition}/{place}")
        return Received(event, topic.name, self.partition, place, at, key, event_id, event_id, {}, raw)

    def send(self, topic: Topic, event: Event, key: str = "", **place: Any) -> list[Send | Forward]:
        """Handle one record in a transaction of its own; give back what was sent."""
        return self.transaction([self.receive(topic, event, key, **place)])

    def repeat(self) -> list[Send | Forward]:
        """Handle the records of the last transaction once more: "applied twice"."""
        return self.transaction(self._last)

    def transaction(self, records: list[Received[Any]]) -> list[Send | Forward]:
        """Handle records as one transaction; give back what was sent, each with its cause."""
        sent: list[Send | Forward] = []
        for received in records:
            try:
                sent += self._collect(self.task.handle(received), received)
            except InvalidEvent as error:
                self.dead.append(Reject(error.reason, error.message))
        sent += self._collect(self.task.flush(), records[-1])
        self.state.put("", Checkpoint(service="test", now=self.now))
        for key, event in self.state.drain():
            if event is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = event
        self.state.restore(CHECKPOINT_KEY, self.stored[CHECKPOINT_KEY])
        self._last = records
        self.sent += sent
        return sent

    def _collect(self, effects: Iterable[Effect], received: Received[Any]) -> list[Send | Forward]:
        sent: list[Send | Forward] = []
        for effect in effects:
            match effect:
                case Reject():
                    self.dead.append(effect)
                case Send(cause=None):
                    cause = Cause(id=received.id, correlation=received.correlation, at=received.at)
                    sent.append(Send(effect.topic, effect.key, effect.event, cause, effect.partition))
                case _:
                    sent.append(effect)
        return sent

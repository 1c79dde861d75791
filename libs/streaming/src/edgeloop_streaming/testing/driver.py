"""Drive one task by hand: one record, one transaction, and repeats and restarts at will."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, cast

from confluent_kafka import Message
from edgeloop_contracts import Cause, Event, Topic, topics
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Received, received_from

from edgeloop_streaming.assigned_partition import OutputRecord
from edgeloop_streaming.service import Service
from edgeloop_streaming.state import State
from edgeloop_streaming.tasks import BulkTask, Effect, Forward, Reject, Send, Task
from edgeloop_streaming.testing.broker import MemoryBroker
from edgeloop_streaming.testing.loop import MemoryLoop


class TaskDriver:
    """One partition of a service on a broker in memory, for tests that say which records make a transaction.

    Parameters
    ----------
    service
        Name of the service, as in ``topics``: its state topic must carry what the task keeps.
    make
        Makes the task of a partition from its rebuilt state.
    partition
        Which partition.

    Attributes
    ----------
    broker
        Where everything lies: four partitions, or as many as ``partition`` needs.
    sent
        Everything sent so far as its readers get it, state and dead letters not included.
    dead
        Dead letters so far: reason and message.
    """

    def __init__(self, service: str, make: Callable[[int, State], Task], partition: int = 0) -> None:
        self.broker = MemoryBroker(max(4, partition + 1))
        self.partition = partition
        self.sent: list[Send | Forward] = []
        self.dead: list[Reject] = []
        self.now = 0
        self._service = service
        self._state_topic = topics.state(service)
        self._make = make
        self._inputs: dict[str, Topic] = {}
        self._last: list[Received[Any]] = []
        self._kept: dict[str, ConsumerMessage | Event] = {}
        self.restart()

    @property
    def state(self) -> State:
        """State of the task."""
        return self._loop.assigned[self.partition].state

    @property
    def task(self) -> Any:
        """The task, for tests that let it handle something without a transaction."""
        return self._watched.task

    @property
    def stored(self) -> dict[str, Event]:
        """The newest record of each key of the state topic; one that was not written again is the same object."""
        for key, kept in self._kept.items():
            if isinstance(kept, Message):
                self._kept[key] = self.broker.codec.decode(self._state_topic, kept.value() or b"")
        return cast("dict[str, Event]", dict(self._kept))

    def restart(self) -> None:
        """A new task from the stored state, as after a kill."""
        service = Service(name=self._service, inputs=tuple(self._inputs.values()), task=self._watch)
        self._loop = MemoryLoop(service, self.broker, partitions=[self.partition])

    def receive(
        self,
        topic: Topic,
        event: Event,
        key: str = "",
        timestamp: int | None = None,
        offset: int | None = None,
        headers: Mapping[str, bytes] | None = None,
    ) -> Received[Any]:
        """Write a record and make of it what the loop would hand over; offsets count up by topic."""
        at = self.now + 1 if timestamp is None else timestamp
        self.now = max(self.now, at)
        record = OutputRecord(
            topic.name, key.encode(), self.broker.codec.encode(topic, event), list((headers or {}).items()), self.partition
        )
        return received_from(self.broker.append(record, (topic.name, self.partition), at, offset), topic, self.broker.codec)

    def send(self, topic: Topic, event: Event, key: str = "", **place: Any) -> list[Send | Forward]:
        """Handle one record in a transaction of its own; give back what was sent."""
        return self.transaction([self.receive(topic, event, key, **place)])

    def repeat(self) -> list[Send | Forward]:
        """Handle the records of the last transaction once more: "applied twice"."""
        return self.transaction(self._last)

    def transaction(self, records: list[Received[Any]]) -> list[Send | Forward]:
        """Handle records as one transaction; give back what was sent, each with its cause.

        Raises
        ------
        BackpressureError
            A record cannot be handled yet. What came before it has been committed, as by the loop.
        """
        self._inputs |= {received.topic: self.broker.topic(received.topic) for received in records}
        self._watched.effects.clear()
        done = self._loop.deliver([self.broker.log(r.topic, r.partition).at(r.offset) for r in records])
        self._last = records
        sent = self._note(done.written)
        for pressure in done.paused.values():
            raise pressure
        return sent

    def _watch(self, partition: int, state: State) -> Task:
        task = self._make(partition, state)
        self._watched = _WatchedBulk(task) if isinstance(task, BulkTask) else _Watched(task)
        return self._watched

    def _note(self, written: list[ConsumerMessage]) -> list[Send | Forward]:
        """Take in what a transaction wrote: each effect of the task is one record, in the same order."""
        sent: list[Send | Forward] = []
        others = [message for message in written if not self._keep_state(message)]
        for effect, message in zip(self._watched.effects, others, strict=True):
            if isinstance(effect, Reject):
                self.dead.append(effect)
            else:
                sent.append(self._as_read(effect, message))
        self.sent += sent
        return sent

    def _keep_state(self, message: ConsumerMessage) -> bool:
        """Take in what belongs to the state topic; whether it does."""
        if message.topic() != self._state_topic.name:
            return False
        key = (message.key() or b"").decode()
        if message.value() is None:
            self._kept.pop(key, None)
        else:
            self._kept[key] = message
        return True

    def _as_read(self, effect: Send | Forward, message: ConsumerMessage) -> Send | Forward:
        if isinstance(effect, Forward) or effect.event is None:
            return effect
        read = received_from(message, effect.topic, self.broker.codec)
        place = {name: read.headers.get(name, b"").decode() for name in ("ce_causationid", "ce_causationat")}
        cause = effect.cause or Cause(id=place["ce_causationid"], correlation=read.correlation, at=place["ce_causationat"])
        return replace(effect, event=read.event, cause=cause)


class _Watched:
    """A task, and what it gives back."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.effects: list[Effect] = []

    def handle(self, received: Received[Any]) -> Iterable[Effect]:
        try:
            effects = list(self.task.handle(received))
        except InvalidEventError as error:
            self.effects.append(Reject(error.reason, error.message))
            raise
        self.effects += effects
        return effects

    def flush(self) -> Iterable[Send]:
        effects = list(self.task.flush())
        self.effects += effects
        return effects


class _WatchedBulk(_Watched):
    """A task that also takes neighbouring records at once."""

    def __init__(self, task: BulkTask) -> None:
        super().__init__(task)
        self._bulk_task = task
        self.bulk = task.bulk

    def handle_all(self, *records: Any) -> Iterable[Send] | None:
        sends = self._bulk_task.handle_all(*records)
        if sends is None:
            return None
        sends = list(sends)
        self.effects += sends
        return sends

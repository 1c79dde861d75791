"""The state of partitions read again from the state topic, once it agrees with the group's committed offsets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaException, TopicPartition
from edgeloop_contracts import Topic, topics

from edgeloop_streaming.codec import Codec
from edgeloop_streaming.consumed import Consumed
from edgeloop_streaming.membership import is_fenced
from edgeloop_streaming.partitions import PartitionReader, Place
from edgeloop_streaming.state import State
from edgeloop_streaming.transactions import FencedError
from edgeloop_streaming.work import agreement

AGREE_S = 30.0
_PAUSE_S = 0.2


class TornStateError(Exception):
    """State topic and committed offsets do not tell the same, and do not come to: a transaction was torn."""


class Restorer:
    """Reads states and committed offsets until they agree.

    Parameters
    ----------
    service, inputs
        Name of the service and what it consumes.
    prefix, codec
        As of the process.
    consumer
        Asked for the group's committed offsets.
    reader
        Reads the state topic.
    alive
        Called while state is being read.
    log
        Told what has to be waited for.
    """

    def __init__(
        self,
        service: str,
        inputs: Iterable[Topic],
        prefix: str,
        codec: Codec,
        consumer: Consumer,
        reader: PartitionReader,
        alive: Callable[[], None],
        log: Any,
    ) -> None:
        self._inputs = [topic.name for topic in inputs]
        self._topic = topics.state(service)
        self._prefix = prefix
        self._codec = codec
        self._consumer = consumer
        self._reader = reader
        self._alive = alive
        self._log = log

    def restore(self, places: Iterable[Place]) -> tuple[dict[int, State], dict[Place, int]]:
        """States by partition, and committed offsets where there are any.

        Raises
        ------
        TornStateError
            They disagree for good.
        FencedError
            Another process has taken this one's place.
        KafkaException, TimeoutError
            They could not be read for half a minute.
        """
        asked = list(places)
        end = time.monotonic() + AGREE_S
        while True:
            try:
                committed = self._committed(asked)
                states = {p: self._state(p) for p in sorted({p for _, p in asked})}
                wrong = {p: why for p, state in states.items() if (why := self._disagreement(p, state, committed))}
                if not wrong:
                    return states, committed
                if time.monotonic() > end:
                    raise TornStateError(f"state and committed offsets differ: {wrong}")
            except (KafkaException, TimeoutError) as error:
                if isinstance(error, KafkaException) and is_fenced(error.args[0]):
                    raise FencedError(str(error.args[0])) from error
                # A broker that starts, or another's open transaction: it passes, or the process ends and comes back.
                if time.monotonic() > end:
                    raise
                self._log.warning("cannot read state yet", error=str(error))
            time.sleep(_PAUSE_S)

    def _committed(self, places: list[Place]) -> dict[Place, int]:
        asked = [TopicPartition(name, p) for name, p in places]
        answers = self._consumer.committed(asked, timeout=10.0) if asked else []
        return {(tp.topic, tp.partition): tp.offset for tp in answers if tp.offset != OFFSET_INVALID and tp.offset >= 0}

    def _disagreement(self, partition: int, state: State, committed: Mapping[Place, int]) -> str:
        own = {name: offset for name in self._inputs if (offset := committed.get((self._prefix + name, partition))) is not None}
        return agreement(state.checkpoint, own, self._inputs)

    def _state(self, partition: int) -> State:
        state = State()
        place = (self._prefix + self._topic.name, partition)

        def take(message: Consumed) -> None:
            self._alive()
            value = message.value()
            key = (message.key() or b"").decode()
            state.restore(key, None if value is None else self._codec.decode(self._topic, value))

        ends = self._reader.ends([place])
        if ends[place]:  # else it would be released before it is fetched, and librdkafka then fetches it for good, unseen
            self._reader.assign({place: OFFSET_BEGINNING})
            try:
                self._reader.read_until(ends, take)
            finally:
                self._reader.release()
        return state

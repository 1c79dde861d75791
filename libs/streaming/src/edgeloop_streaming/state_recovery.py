"""The state of partitions read again from the state topic, once it agrees with the group's committed offsets."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, OFFSET_INVALID, Consumer, KafkaException, TopicPartition
from edgeloop_contracts import Checkpoint, Event, Topic, topics
from edgeloop_errors import FatalError, InvalidError, RetryableError
from edgeloop_kafka.codec import Codec, UndecodableError, UnknownKindError
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place
from edgeloop_readers.partition_reader import PartitionReader

from edgeloop_streaming.membership import is_fenced
from edgeloop_streaming.state import State
from edgeloop_streaming.transactions import FencedError

AGREE_S = 30.0
_PAUSE_S = 0.2


class TornStateError(FatalError):
    """State topic and committed offsets do not tell the same, and do not come to: a transaction was torn."""


class UnreadableStateError(FatalError):
    """A record of a state topic is not what its service wrote there: only a person can say what is to become of it.

    Parameters
    ----------
    place
        ``topic/partition/offset``, the topic without the settings' prefix; without an offset where it is no single record.
    why
        What is wrong.
    way_out
        What to do then.
    """

    exit_code = 65  # EX_DATAERR: starting again changes nothing

    def __init__(self, place: str, why: str, way_out: str) -> None:
        super().__init__(
            f"state cannot be read: {place}: {why}. Nothing was changed, and this service does nothing until that is put right. Who else"
            f" writes this topic? Look at it with `edgeloop tail {place.split('/', maxsplit=1)[0]} --from-beginning`; {way_out}"
        )
        self.place = place


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
        UnreadableStateError
            A record of the state topic is none of this service's.
        FencedError
            Another process has taken this one's place.
        KafkaException, TimeoutError, RegistryUnavailableError
            They could not be read for half a minute.
        """
        asked = list(places)
        end = time.monotonic() + AGREE_S
        while True:
            try:
                committed = self._committed(asked)
                began = time.monotonic()
                states = {p: self._state(p) for p in sorted({p for _, p in asked})}
                wrong = {p: why for p, state in states.items() if (why := self._disagreement(p, state, committed))}
                if not wrong:
                    return states, committed
                end += time.monotonic() - began  # what reading takes is no waiting
                if time.monotonic() > end:
                    raise TornStateError(f"state and committed offsets differ: {wrong}")
            except (KafkaException, TimeoutError, RetryableError) as error:
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
        place = (self._prefix + self._topic.name, partition)
        newest: dict[bytes, ConsumerMessage] = {}

        def collect(message: ConsumerMessage) -> None:
            self._alive()
            key = message.key() or b""
            if message.value() is None:
                newest.pop(key, None)
            else:
                newest[key] = message

        ends = self._reader.ends([place])
        if ends[place]:  # else it would be released before it is fetched, and librdkafka then fetches it for good, unseen
            self._reader.assign({place: OFFSET_BEGINNING})
            try:
                self._reader.read_until(ends, collect)
            finally:
                self._reader.release()
        state = State()
        for key, message in newest.items():  # what was written over judges nothing any more: so a bad record can be mended
            self._alive()
            state.restore(*self._readable(key, message))
        return state

    def _readable(self, key: bytes, message: ConsumerMessage) -> tuple[str, Event]:
        try:
            return readable(self._topic, key, message.value(), self._codec)
        except NoStateError as error:
            place = f"{self._topic.name}/{message.partition()}/{message.offset()}"
            why = f"key {key[:200]!r}: {error}"
            raise UnreadableStateError(place, why, f"put back what its key held before with `edgeloop mend {place}`") from error


class NoStateError(InvalidError):
    """Fault of a record in a state topic."""


def readable(topic: Topic, key: bytes, value: bytes, codec: Codec) -> tuple[str, Event]:
    """Key and event of a record of a state topic.

    Raises
    ------
    NoStateError
        It is none of those that a service writes there.
    RegistryUnavailableError
        Its schema cannot be had now.
    """
    try:
        name = key.decode()
        event = codec.decode(topic, value)
    except UnicodeDecodeError as error:
        raise NoStateError("its key is no text") from error
    except UndecodableError as error:
        raise NoStateError(str(error)) from error
    except UnknownKindError as error:
        raise NoStateError(f"its kind {error.kind} is none that this release knows: a newer one may have written it") from error
    if not name.startswith(f"{type(event).__name__}/"):
        raise NoStateError(f"its key is none of a {type(event).__name__}")
    return name, event


def agreement(checkpoint: Checkpoint, committed: Mapping[str, int], inputs: Iterable[str]) -> str:
    """The difference between a checkpoint and the group's committed offsets, or ``""``.

    Parameters
    ----------
    committed
        Offset by topic; a topic without one is absent.
    """
    ends = {r.topic: r.end for r in checkpoint.ranges}
    differing = [f"{name}: state {ends.get(name)}, group {committed.get(name)}" for name in inputs if ends.get(name) != committed.get(name)]
    return "; ".join(differing)

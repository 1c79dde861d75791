"""Dead letters with their place, and whether they were redriven."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from confluent_kafka import OFFSET_BEGINNING
from edgeloop_contracts import DeadLetter, Topic, topics
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.codec import Codec
from edgeloop_kafka.consumer_message import ConsumerMessage
from edgeloop_kafka.received_record import Place, received_from
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_readers.partition_reader import PartitionReader

COUNT_S = 20.0


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter where it lies.

    Attributes
    ----------
    service, partition, offset, timestamp
        The service, and place and time (milliseconds) in ``deadletters.<service>``.
    event
        The letter.
    redriven
        Whether its record was redriven.
    """

    service: str
    partition: int
    offset: int
    timestamp: int
    event: DeadLetter
    redriven: bool

    @property
    def place(self) -> str:
        """``topic/partition/offset``."""
        return f"{topics.dead_letters(self.service).name}/{self.partition}/{self.offset}"


@dataclass(frozen=True, slots=True)
class Count:
    """Dead letters of one service and reason.

    Attributes
    ----------
    service, reason
        Whose, and why.
    waiting, redriven
        How many were not given back, and how many were.
    oldest, newest
        When the first and the last of those that wait were written, milliseconds; 0 where none waits.
    """

    service: str
    reason: str
    waiting: int
    redriven: int
    oldest: int = 0
    newest: int = 0


@dataclass(frozen=True, slots=True)
class Counts:
    """Dead letters by service and reason.

    Attributes
    ----------
    counts
        Sorted by service and reason.
    complete
        Whether all letters were read; else there are more.
    missing
        Services whose topics do not exist.
    """

    counts: tuple[Count, ...]
    complete: bool = True
    missing: tuple[str, ...] = ()

    @property
    def waiting(self) -> int:
        """All that were not given back."""
        return sum(count.waiting for count in self.counts)


@dataclass(slots=True)
class _Tally:
    waiting: int = 0
    redriven: int = 0
    stamps: list[int] = field(default_factory=list[int])

    def add(self, letter: Letter) -> None:
        if letter.redriven:
            self.redriven += 1
        else:
            self.waiting += 1
            self.stamps = [min([letter.timestamp, *self.stamps]), max([letter.timestamp, *self.stamps])]


def count_dead_letters(
    settings: KafkaSettings, codec: Codec, services: Iterable[str] = topics.STATE_KINDS, timeout_s: float = COUNT_S
) -> Counts:
    """Count dead letters by service and reason, apart from what was redriven.

    Parameters
    ----------
    services
        Whose.
    timeout_s
        Seconds of counting; the counts are then of the letters read so far.

    Raises
    ------
    KafkaException
        The cluster cannot be reached.
    """
    end = time.monotonic() + timeout_s
    tallies: dict[tuple[str, str], _Tally] = {}
    complete, missing = True, list[str]()
    for service in services:
        try:
            box = DeadLetters(settings, codec, service)
        except LookupError:
            missing.append(service)
            continue
        try:
            for letter in box.letters():
                tallies.setdefault((service, letter.event.reason), _Tally()).add(letter)
                if time.monotonic() > end:
                    complete = False
                    break
        finally:
            box.close()
    counts = [Count(service, reason, tally.waiting, tally.redriven, *tally.stamps) for (service, reason), tally in sorted(tallies.items())]
    return Counts(tuple(counts), complete, tuple(missing))


class DeadLetters:
    """The dead letters of one service.

    Parameters
    ----------
    settings, codec
        As of the process.
    service
        Whose.

    Attributes
    ----------
    unreadable
        Records of the topic that are no letters, as far as was read.

    Raises
    ------
    LookupError
        It has none, or their topics do not exist.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, service: str) -> None:
        if service not in topics.STATE_KINDS:
            raise LookupError(f"{service} has no dead letters; those that have are {', '.join(topics.STATE_KINDS)}")
        self.service = service
        self.unreadable = 0
        self._codec = codec
        self._prefix = settings.topic_prefix
        self._topic, self._redrive = topics.dead_letters(service), topics.redrive(service)
        self._reader = PartitionReader(settings, wait_ms=5)
        try:
            self._places = {topic.name: self._places_of(topic) for topic in (self._topic, self._redrive)}
        except LookupError:
            self._reader.close()
            raise

    def letters(self, redriven: Mapping[int, set[int]] | None = None) -> Iterator[Letter]:
        """All letters that are there when this begins, partition by partition in their order.

        Parameters
        ----------
        redriven
            What :meth:`redriven` gave, where that is known already.
        """
        known = self.redriven() if redriven is None else redriven
        for message in self._committed(self._topic):
            letter = self._letter(message, known)
            if letter is not None:
                yield letter

    def redriven(self) -> dict[int, set[int]]:
        """Offsets of the letters that were given back, by partition."""
        head = f"{self._topic.name}/"
        found: dict[int, set[int]] = {}
        for message in self._committed(self._redrive):
            key = (message.key() or b"").decode("utf-8", "replace")
            partition, _, offset = key.removeprefix(head).partition("/")
            if key.startswith(head) and partition.isdecimal() and offset.isdecimal():
                found.setdefault(int(partition), set()).add(int(offset))
        return found

    def at(self, partition: int, offset: int) -> Letter:
        """One letter.

        Raises
        ------
        LookupError
            There is none.
        """
        place = (self._prefix + self._topic.name, partition)
        wrong = LookupError(f"there is no dead letter at {self._topic.name}/{partition}/{offset}")
        if place not in self._places[self._topic.name]:
            raise wrong
        start, end = self._reader.span(place)
        if not start <= offset < end:
            raise wrong
        found: list[ConsumerMessage] = []
        self._reader.assign({place: offset})
        try:
            self._reader.read_until({place: offset + 1}, found.append)
        finally:
            self._reader.release()
        letter = self._letter(found[0], self.redriven()) if found and found[0].offset() == offset else None
        if letter is None:
            raise wrong
        return letter

    def close(self) -> None:
        """Close the connection."""
        self._reader.close()

    def _places_of(self, topic: Topic) -> list[Place]:
        name = self._prefix + topic.name
        return [(name, partition) for partition in self._reader.partitions_of(name)]

    def _committed(self, topic: Topic) -> Iterator[ConsumerMessage]:
        """Current letters, one after another, so that the whole is never in memory."""
        for place, end in sorted(self._reader.ends(self._places[topic.name]).items()):
            if end:
                yield from self._read_place(place, end)

    def _read_place(self, place: Place, end: int) -> Iterator[ConsumerMessage]:
        self._reader.assign({place: OFFSET_BEGINNING})
        try:
            yield from self._reader.until(place, end)
        finally:
            self._reader.release()

    def _letter(self, message: ConsumerMessage, redriven: Mapping[int, set[int]]) -> Letter | None:
        try:
            event: Any = received_from(message, self._topic, self._codec).event
        except InvalidEventError:
            self.unreadable += 1
            return None
        partition, offset = message.partition(), message.offset()
        return Letter(self.service, partition, offset, message.timestamp()[1], event, offset in redriven.get(partition, ()))


Wanted = Callable[[Letter], bool]

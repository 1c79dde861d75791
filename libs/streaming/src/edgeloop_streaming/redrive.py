"""Giving dead letters' records back to the service that could not handle them, each once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from edgeloop_contracts import Redrive, topics
from edgeloop_kafka.causation import derived_id, event_headers
from edgeloop_kafka.codec import Codec, body
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_readers.dead_letter_reader import DeadLetters, Letter, Wanted

from edgeloop_streaming.key_updates import PAUSE_S, OvertakenError
from edgeloop_streaming.transactions import DoubtError, FencedError, TransactionalProducer

LETTERS = 200  # most in a transaction
BYTES = 4 << 20


@dataclass(slots=True)
class Redriven:
    """Fate of the requested letters.

    Attributes
    ----------
    given, already, cut
        How many records were given back now, had been before, or cannot be as their letters hold only their beginnings.
    """

    given: int = 0
    already: int = 0
    cut: int = 0
    places: set[str] = field(default_factory=set[str])


class Redriver:
    """Gives records back to one service.

    Each record is written once, in a transaction, into ``redrive.<service>``: that a letter's place stands there as a key is the mark
    that it was redriven. The transactional id is the service's, so that of two runs at the same time the later one fences the
    earlier one, and looks at what there is only then.

    Parameters
    ----------
    settings, codec
        As of the process.
    letters
        Of the service.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, letters: DeadLetters) -> None:
        self._settings = settings
        self._codec = codec
        self._letters = letters
        self._topic = topics.redrive(letters.service)
        self._logger = logging.getLogger(__name__)
        self._logger.disabled = True  # what is trouble is raised

    def run(
        self, wanted: Wanted, who: str, why: str, *, timeout: float = 60.0, progress: Callable[[int], None] = lambda _: None
    ) -> Redriven:
        """Give back what is wanted; what was given back before stays so.

        Parameters
        ----------
        wanted
            Which letters.
        who, why
            Recorded with each.
        timeout
            Seconds without a transaction that succeeds.
        progress
            Called after each transaction with the number of records given back so far.

        Raises
        ------
        OvertakenError
            Another run has begun since, or the cluster does not take it: what was given back so far stays so.
        """
        run = derived_id(who, why, str(time.time_ns()))
        outcome, deadline, attempt = Redriven(), time.monotonic() + timeout, 0
        while True:
            attempt += 1
            producer = TransactionalProducer(
                self._settings,
                f"{self._settings.topic_prefix}edgeloop-turn-{self._topic.name}",
                lambda _: None,
                logger=self._logger,
            )
            before = outcome.given
            try:
                producer.open(10.0)
                self._pass(producer, wanted, (who, why, run), outcome, progress)
            except FencedError as error:
                raise OvertakenError(
                    f"another run redrives the letters of {self._letters.service}; {outcome.given} were given back"
                ) from error
            except DoubtError as error:
                deadline = time.monotonic() + timeout if outcome.given > before else deadline
                if time.monotonic() > deadline:
                    raise OvertakenError(f"{self._topic.name}: {error}; {outcome.given} were given back") from error
                time.sleep(PAUSE_S * min(attempt, 10))
            else:
                return outcome
            finally:
                producer.drop()

    def _pass(
        self,
        producer: TransactionalProducer,
        wanted: Wanted,
        said: tuple[str, str, str],
        outcome: Redriven,
        progress: Callable[[int], None],
    ) -> None:
        """Once through the letters. What a broken pass has tried and the topic holds counts as given back."""
        done = self._letters.redriven()
        outcome.given = sum(_holds(done, place) for place in outcome.places)
        outcome.already = outcome.cut = 0
        chosen = filter(wanted, self._letters.letters(done))
        for batch in _batches(self._new(chosen, outcome)):
            producer.begin()
            for letter in batch:
                outcome.places.add(letter.place)
                self._write(producer, letter, *said)
            producer.commit()
            outcome.given += len(batch)
            progress(outcome.given)
        producer.confirm()

    def _new(self, letters: Iterable[Letter], outcome: Redriven) -> Iterator[Letter]:
        for letter in letters:
            if letter.redriven:
                outcome.already += letter.place not in outcome.places
            elif letter.event.cut:
                outcome.cut += 1
            else:
                yield letter

    def _write(self, producer: TransactionalProducer, letter: Letter, who: str, why: str, run: str) -> None:
        event = letter.event
        redrive = Redrive(
            letter=letter.place,
            service=letter.service,
            topic=event.topic,
            partition=event.partition,
            offset=event.offset,
            timestamp=event.timestamp,
            key=event.key,
            value=event.value or b"",
            headers=event.headers,
            reason=event.reason,
            who=who,
            why=why,
            run=run,
        )
        encoded = body(redrive)
        now = int(time.time() * 1000)
        headers = event_headers(redrive, source="cli", key=letter.place, body=encoded, cause=None, trace="", time_ms=now)
        name = self._settings.topic_prefix + self._topic.name
        value = self._codec.framed(self._topic, Redrive, encoded)
        producer.produce(name, letter.place.encode(), value, list(headers.items()), letter.partition)


def _holds(done: dict[int, set[int]], place: str) -> bool:
    _, partition, offset = place.rsplit("/", 2)
    return int(offset) in done.get(int(partition), ())


def _batches(letters: Iterator[Letter]) -> Iterator[list[Letter]]:
    while batch := list(islice(letters, 1)):
        size = len(batch[0].event.value or b"")
        while len(batch) < LETTERS and size < BYTES and (more := next(letters, None)) is not None:
            batch.append(more)
            size += len(more.event.value or b"")
        yield batch

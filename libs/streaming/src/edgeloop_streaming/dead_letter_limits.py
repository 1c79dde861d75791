"""Limits of dead letters: a partition whose records all fail is halted instead of being emptied into the dead letters."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from edgeloop_contracts import Topic
from edgeloop_kafka.received_record import Place
from edgeloop_kafka.settings import KafkaSettings
from prometheus_client import Gauge

from edgeloop_streaming.tasks import BackpressureError

RETRY_S = 5.0
WINDOW = 1_000
OUTSIDE_WINDOW = 10_000
OUTSIDE = frozenset({"", "inference"})  # producers outside the platform: anybody, and devices


class DeadLetterLimitError(BackpressureError):
    """One more dead letter would exceed the limit. The record stays unhandled; the loop tries it again every few seconds."""


@dataclass(frozen=True, slots=True)
class Limit:
    """Most dead letters of one partition; 0 sets no limit.

    Attributes
    ----------
    run
        Consecutive dead letters.
    share
        Dead letters among the last ``window`` records, 0 to 1.
    window
        Records.
    """

    run: int = 0
    share: float = 0.0
    window: int = WINDOW

    def __bool__(self) -> bool:
        return bool(self.run or self.share)


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits by the origin of a topic.

    Attributes
    ----------
    inside
        Of topics that a service of the platform writes: there, a run of bad records is a fault of the platform.
    outside
        Of topics that devices, other programs or people write: there, a limit lets any sender halt all others.
    """

    inside: Limit = field(default_factory=Limit)
    outside: Limit = field(default_factory=Limit)

    @classmethod
    def of(cls, settings: KafkaSettings) -> Limits:
        """Limits that the settings of a process give."""
        return cls(
            Limit(settings.dead_letter_run, settings.dead_letter_share, WINDOW),
            Limit(0, settings.dead_letter_outside_share, OUTSIDE_WINDOW),
        )

    def for_topic(self, topic: Topic) -> Limit:
        """The limit of a topic."""
        return self.outside if topic.producer in OUTSIDE else self.inside


@dataclass(slots=True)
class Tally:
    """Outcomes of the newest committed records of one partition.

    Invariants: ``dead`` counts the dead letters in ``outcomes``; ``run`` counts those since the last record that was handled.

    Examples
    --------
    >>> tally = Tally(Limit(run=3))
    >>> tally.add([True, True]); tally.exceeded([]), tally.exceeded([True])
    (False, True)
    >>> tally.add([False]); tally.exceeded([True])
    False
    """

    limit: Limit
    run: int = 0
    dead: int = 0
    outcomes: deque[bool] = field(init=False)

    def __post_init__(self) -> None:
        self.outcomes = deque(maxlen=self.limit.window if self.limit.share else 0)

    def add(self, outcomes: Iterable[bool]) -> None:
        """Count committed records: ``True`` for a dead letter."""
        for dead in outcomes:
            self.run = self.run + 1 if dead else 0
            if self.limit.share:
                self.dead += dead - (self.outcomes[0] if len(self.outcomes) == self.limit.window else 0)
                self.outcomes.append(dead)

    def exceeded(self, pending: list[bool]) -> bool:
        """Whether the limit is reached with the ``pending`` outcomes of the open transaction."""
        run = self.run + len(pending) if all(pending) else next(i for i, dead in enumerate(reversed(pending)) if not dead)
        if self.limit.run and run >= self.limit.run:
            return True
        known = len(self.outcomes) + len(pending)
        return bool(self.limit.share) and known >= self.limit.window and self.dead + sum(pending) >= self.limit.share * known


class DeadLetterGuard:
    """Counts dead letters by partition and refuses those beyond the limits.

    Counts survive a state that is read again, since they change only with commits. They begin anew with each process.

    Parameters
    ----------
    service
        Name of the service, for the log.
    limits
        How many are too many.
    gauge
        Is 1 for each halted partition, by topic and partition.
    log
        Told once of each halt and of its end.
    clock
        Seconds that only rise.
    """

    def __init__(self, service: str, limits: Limits, gauge: Gauge, log: Any, clock: Callable[[], float] = time.monotonic) -> None:
        self._service = service
        self._limits = limits
        self._gauge = gauge
        self._log = log
        self._clock = clock
        self._tallies: dict[Place, Tally] = {}
        self._halted: set[Place] = set()

    def watches(self, topic: Topic) -> bool:
        """Whether a topic has a limit."""
        return bool(self._limits.for_topic(topic))

    def check(self, topic: Topic, partition: int, offset: int, reason: str, pending: list[bool]) -> None:
        """Make sure that one more dead letter is within the limit.

        Parameters
        ----------
        pending
            Outcomes of the partition's records in the open transaction.

        Raises
        ------
        DeadLetterLimitError
            It is not.
        """
        limit = self._limits.for_topic(topic)
        if not limit:
            return
        place = (topic.name, partition)
        tally = self._tallies.setdefault(place, Tally(limit))
        if not tally.exceeded(pending):
            return
        if place not in self._halted:
            self._halted.add(place)
            self._gauge.labels(topic.name, str(partition)).set(1)
            self._log.error(
                "halted: too many records become dead letters; all other partitions go on",
                at=f"{topic.name}/{partition}/{offset}",
                reason=reason,
                limit=f"{limit.run or 'no limit'} in a row, {limit.share:.0%} of {limit.window}"
                if limit.share
                else f"{limit.run} in a row",
                way_out=f"`edgeloop deadletters list --service {self._service}` shows them. Mend the cause: the service tries this record again"
                " every few seconds. A restart counts anew; EDGELOOP_DEAD_LETTER_RUN and EDGELOOP_DEAD_LETTER_SHARE set the limit (0: none)",
            )
        again = self._clock() + RETRY_S
        raise DeadLetterLimitError(lambda: self._clock() >= again)

    def committed(self, place: Place, topic: Topic, outcomes: list[bool]) -> None:
        """Count the outcomes of a committed transaction. A handled record ends a halt and its count."""
        limit = self._limits.for_topic(topic)
        if not limit or not outcomes:
            return
        if place in self._halted and not all(outcomes):
            self._halted.discard(place)
            self._gauge.remove(place[0], str(place[1]))
            self._log.warning("goes on: a record was handled again", at=f"{place[0]}/{place[1]}")
            self._tallies[place] = Tally(limit)
        self._tallies.setdefault(place, Tally(limit)).add(outcomes)

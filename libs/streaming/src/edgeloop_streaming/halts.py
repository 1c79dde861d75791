"""Halted partitions: their next records are deleted, and they wait for a skip."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from edgeloop_contracts.keys import input_key
from edgeloop_errors import RetryableError
from edgeloop_kafka.received_record import Place, Received
from edgeloop_readers.lost_ranges import Lost, lost_between
from edgeloop_readers.table import Table
from prometheus_client import Gauge

CHECK_S = 2.0
# Errors of a consumer that has given a partition up; only an assignment makes it read there again.
OVERTAKEN = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})


class Halts:
    """Partitions of a service that are halted because their next records are deleted. All others go on.

    Invariants
    ----------
    - A partition is halted exactly while its next offset lies outside the span that is kept.
    - A halt ends only by a skip that names the next offset and reaches no kept record, or by another assignment.

    Parameters
    ----------
    service, prefix
        Name of the service, and prefix of topic names.
    span
        Oldest kept offset of a partition, and the end.
    skips
        Makes the table of ``skips``; called only while a partition is halted.
    gauge
        Number of deleted offsets, by topic and partition.
    log
        Of the process.
    clock
        Monotonic clock, seconds.
    """

    def __init__(
        self,
        service: str,
        prefix: str,
        span: Callable[[Place], tuple[int, int]],
        skips: Callable[[], Table],
        gauge: Gauge,
        log: Any,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._service = service
        self._prefix = prefix
        self._span = span
        self._skips = skips
        self._gauge = gauge
        self._log = log
        self._clock = clock
        self._given_up: set[Place] = set()
        self._lost: dict[Place, Lost] = {}
        self._table: Table | None = None
        self._due = 0.0

    def __contains__(self, place: Place) -> bool:
        return place in self._lost

    @property
    def places(self) -> set[Place]:
        """All halted partitions."""
        return set(self._lost)

    def overtaken(self, place: Place) -> None:
        """Note that the client has given a partition up; :meth:`check` decides about it."""
        self._given_up.add(place)

    def check(self, position: Callable[[Place], int | None]) -> bool:
        """Halt partitions that the client has given up.

        Parameters
        ----------
        position
            Next offset of the service in a partition; raises ``LookupError`` for one that is no longer assigned.

        Returns
        -------
        bool
            Whether one of them lost nothing, so that all are to be assigned again.
        """
        again = False
        for place in sorted(self._given_up):
            try:
                at = position(place)
            except LookupError:
                self._given_up.discard(place)
                continue
            try:
                again |= place not in self and not self.halt(place, at)
            except (KafkaException, TimeoutError) as error:
                self._log.warning("cannot read the span of a partition", error=str(error))
                continue
            self._given_up.discard(place)
        return again

    def halt(self, place: Place, position: int | None) -> bool:
        """Halt a partition whose record at ``position`` is deleted; whether it is. Without a position, reading begins at the oldest record."""
        lost = None if position is None else lost_between(place[0].removeprefix(self._prefix), place[1], position, self._span(place))
        if lost is None:
            return False
        self._halt(place, lost)
        return True

    def allowed(self) -> list[tuple[Place, Received[Any]]]:
        """Halted partitions that a skip lets go on, with its record."""
        if not self._lost or self._clock() < self._due:
            return []
        self._due = self._clock() + CHECK_S
        try:
            found = self._current_skips()
            for place, lost in [*self._lost.items()]:
                start, _ = self._span(place)
                if start != lost.end:
                    self._halt(place, replace(lost, end=start))
        except (LookupError, KafkaException, RetryableError, TimeoutError) as error:
            self._log.warning("cannot read skips yet", error=str(error))
            return []
        return [(place, record) for place, record in found.items() if self._applies(self._lost[place], record)]

    def release(self, place: Place) -> None:
        """End the halt of a partition."""
        lost = self._lost.pop(place)
        self._gauge.remove(lost.topic, str(lost.partition))
        if not self._lost:
            self._close()

    def clear(self) -> None:
        """Forget all halts before partitions are revoked or read anew: a lost range shows again then."""
        self._given_up.clear()
        for place in self.places:
            self.release(place)

    def _halt(self, place: Place, lost: Lost) -> None:
        self._lost[place] = lost
        self._gauge.labels(lost.topic, str(lost.partition)).set(lost.count)
        self._log.error(
            "halted: records were deleted before they were handled; all other partitions go on",
            lost=str(lost),
            way_out=f"`edgeloop skip {self._service} {lost.topic}/{lost.partition} --why TEXT`, or bring the records back",
        )

    def _current_skips(self) -> dict[Place, Received[Any]]:
        if self._table is None:
            self._table = self._skips()
        self._table.refresh()
        keys = {place: input_key(self._service, lost.topic, lost.partition) for place, lost in self._lost.items()}
        return {place: record for place, key in keys.items() if (record := self._table.get(key)) is not None}

    def _applies(self, lost: Lost, record: Received[Any]) -> bool:
        """Whether a skip names the service's next offset and reaches no kept record."""
        skip = record.event
        named = (skip.service, skip.topic, skip.partition, skip.first) == (self._service, lost.topic, lost.partition, lost.first)
        return named and skip.end <= lost.end and skip.end != lost.first

    def _close(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None

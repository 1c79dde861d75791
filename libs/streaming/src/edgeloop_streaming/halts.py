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

LOOK_S = 2.0
# Errors of a consumer that has given a partition up; only an assignment makes it read there again.
OVERTAKEN = frozenset({KafkaError._AUTO_OFFSET_RESET, KafkaError.OFFSET_OUT_OF_RANGE})


class Halts:
    """What of a service's input is halted. All other partitions go on.

    Parameters
    ----------
    service, prefix
        Name of the service, and what heads names of topics.
    span
        Oldest offset that a partition keeps, and the one after its last.
    skips
        Makes the table of ``skips``; only while something is halted.
    gauge
        Shows how many offsets are gone, by topic and partition.
    log
        Of the process.
    clock
        Seconds that only rise.
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
        """What is halted."""
        return set(self._lost)

    def overtaken(self, place: Place) -> None:
        """The client has given the partition up; :meth:`look` says what becomes of it."""
        self._given_up.add(place)

    def look(self, position: Callable[[Place], int | None]) -> bool:
        """Halt partitions that the client has given up; whether in one of them nothing is gone, so that it is to be assigned again.

        Parameters
        ----------
        position
            Where the service stands in a partition, as for :meth:`halt`; raises ``LookupError`` for one that is not its own any more.
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
                self._log.warning("cannot tell what is gone", error=str(error))
                continue
            self._given_up.discard(place)
        return again

    def halt(self, place: Place, position: int | None) -> bool:
        """Halt a partition if the record at ``position`` is gone; whether it is. Who has no position yet begins with what is left."""
        lost = None if position is None else lost_between(place[0].removeprefix(self._prefix), place[1], position, self._span(place))
        if lost is None:
            return False
        self._tell(place, lost)
        return True

    def decided(self) -> list[tuple[Place, Received[Any]]]:
        """Halted partitions that a person lets go on, with the record of the skip."""
        if not self._lost or self._clock() < self._due:
            return []
        self._due = self._clock() + LOOK_S
        try:
            found = self._skips_now()
            for place, lost in [*self._lost.items()]:
                start, _ = self._span(place)
                if start != lost.end:
                    self._tell(place, replace(lost, end=start))
        except (LookupError, KafkaException, RetryableError, TimeoutError) as error:
            self._log.warning("cannot tell yet whether to go on behind lost records", error=str(error))
            return []
        return [(place, record) for place, record in found.items() if self._holds(self._lost[place], record)]

    def release(self, place: Place) -> None:
        """The partition goes on."""
        lost = self._lost.pop(place)
        self._gauge.remove(lost.topic, str(lost.partition))
        if not self._lost:
            self._close()

    def clear(self) -> None:
        """Partitions go, or are read anew: what is gone still then shows again."""
        self._given_up.clear()
        for place in self.places:
            self.release(place)

    def _tell(self, place: Place, lost: Lost) -> None:
        self._lost[place] = lost
        self._gauge.labels(lost.topic, str(lost.partition)).set(lost.count)
        self._log.error(
            "halted: records are gone that were not handled; all other partitions go on",
            lost=str(lost),
            way_out=f"`edgeloop skip {self._service} {lost.topic}/{lost.partition} --why TEXT`, or bring the records back",
        )

    def _skips_now(self) -> dict[Place, Received[Any]]:
        if self._table is None:
            self._table = self._skips()
        self._table.refresh()
        keys = {place: input_key(self._service, lost.topic, lost.partition) for place, lost in self._lost.items()}
        return {place: record for place, key in keys.items() if (record := self._table.get(key)) is not None}

    def _holds(self, lost: Lost, record: Received[Any]) -> bool:
        """A skip holds for the place where the service stands, and never reaches what is there."""
        skip = record.event
        named = (skip.service, skip.topic, skip.partition, skip.first) == (self._service, lost.topic, lost.partition, lost.first)
        return named and skip.end <= lost.end and skip.end != lost.first

    def _close(self) -> None:
        if self._table is not None:
            self._table.close()
            self._table = None

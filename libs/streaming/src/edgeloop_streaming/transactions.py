"""A transactional producer that is dropped whenever the outcome of a transaction is in doubt."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition
from edgeloop_errors import FatalError, RetryableError
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_streaming.host_load import Age, Pace
from edgeloop_streaming.progress import Calls

# librdkafka speaks EndTxn v1 and repeats it by itself. A connection that breaks while EndTxn is on its way tears transactions, and
# neither an error callback nor a slow commit shows it. The broker counters in the statistics do (lrk#5423, KAFKA-17754).
# Retries do not count: most follow the broker's answer that it still ends the transaction before, which is harmless.
_TROUBLE = re.compile(r'"(?:disconnects|req_timeouts)":\s*(\d+)')
_ENDS = re.compile(r'"EndTxn":\s*(\d+)')
_TICK_MS = 20
_TICK_S = 1.0
_COMMIT_S = 3.0
_FENCED = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})


class DoubtError(RetryableError):
    """The outcome of the last transaction is unknown: make a new producer and read the state again."""


class FencedError(FatalError):
    """Another process has taken over the transactional id or the group member; this one must end."""


class _Signs:
    """Statistics and errors of the client.

    They are apart from the producer, so that no reference cycle keeps a dropped producer alive.
    """

    def __init__(self, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self.ticks = 0
        self.trouble = 0
        self.ends = 0
        self.error = ""

    def statistics(self, text: str) -> None:
        """Process a statistics tick."""
        self.ticks += 1
        self.trouble = sum(map(int, _TROUBLE.findall(text)))
        self.ends = sum(map(int, _ENDS.findall(text)))

    def report(self, error: KafkaError) -> None:
        """Note an error of the client."""
        self.error = self.error or str(error)
        self._on_error(str(error))


class TransactionalProducer:
    """One transaction after another, each confirmed before the next begins.

    Invariants
    ----------
    - A transaction begins only if the connection held since the commit before it began.
    - After a :class:`DoubtError` or :class:`FencedError` the producer is unusable: drop it.

    Parameters
    ----------
    settings
        Shared settings.
    transactional_id
        Stable over restarts, so that a new producer fences the one before it.
    on_error
        Called with each error that the client reports.
    calls
        Counts calls that may hang.
    logger
        Receives the client's log; ``None`` for standard error.
    pace
        Durations of commits on this machine; shared by successive producers.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        transactional_id: str,
        on_error: Callable[[str], None],
        calls: Calls | None = None,
        logger: logging.Logger | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._signs = _Signs(on_error)
        self._calls = calls or Calls()
        self._baseline = 0
        self._commits = 0
        self._confirmed = 0
        self._doubt = ""
        self._pace = pace or Pace()
        self._producer = Producer(
            {
                **settings.librdkafka(),
                "socket.timeout.ms": 2_000,
                "transactional.id": transactional_id,
                "transaction.timeout.ms": 10_000,
                "message.timeout.ms": 8_000,
                "partitioner": "murmur2_random",
                "linger.ms": 0,
                "queue.buffering.max.messages": 1_000_000,
                "message.max.bytes": 8 << 20,
                "compression.type": "lz4",
                "statistics.interval.ms": _TICK_MS,
                "stats_cb": self._signs.statistics,
                "error_cb": self._signs.report,
                **({"logger": logger} if logger else {}),
            }
        )

    def open(self, timeout: float) -> None:
        """Fence earlier producers of this id and wait until their transactions have ended.

        Raises
        ------
        DoubtError
            The coordinator could not be reached in time.
        FencedError
            Another process has fenced this one.
        """
        end = time.monotonic() + timeout
        while True:
            try:
                with self._calls.one():
                    self._producer.init_transactions(max(0.1, end - time.monotonic()))
                break
            except KafkaException as error:
                if not _error_of(error).retriable() or time.monotonic() > end:
                    raise self._classified(error) from error
                time.sleep(0.02)
        self._producer.poll(0)
        self._await_tick()
        self._baseline = self._signs.trouble
        self._signs.error = ""
        self._confirmed = self._signs.ticks

    def confirm(self) -> None:
        """Check that the connection held since the last commit began; :meth:`begin` does so by itself.

        Raises
        ------
        DoubtError
            It did not.
        """
        self.poll()
        self._confirm()

    def _confirm(self) -> None:
        if self._confirmed > self._signs.ticks:
            self._await_tick()
        doubt = self._doubt or self._signs.error
        if self._signs.trouble != self._baseline:
            doubt = doubt or f"the connection was cut or timed out: {self._baseline} → {self._signs.trouble}"
        if self._signs.ends > self._commits:
            doubt = doubt or f"EndTxn was sent {self._signs.ends} times for {self._commits} transactions"
        if doubt:
            raise DoubtError(doubt)

    def begin(self) -> None:
        """Begin a transaction, if the connection held since the last commit began.

        The check comes this late so that records are handled while the client's statistics arrive. A break during that time counts,
        too, since this commit might hang.

        Raises
        ------
        DoubtError
            The connection did not hold.
        """
        self.confirm()
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            raise self._classified(error) from error

    def produce(self, topic: str, key: bytes | None, value: bytes | None, headers: Any, partition: int | None) -> None:
        """Write a record in the current transaction."""
        place: dict[str, Any] = {} if partition is None else {"partition": partition}
        while True:
            try:
                self._producer.produce(topic, value=value, key=key, headers=headers, **place)
            except BufferError:
                self._producer.poll(0.05)
            except KafkaException as error:
                raise self._classified(error) from error
            else:
                return

    def commit(self, offsets: Sequence[TopicPartition] = (), group_metadata: Any = None) -> None:
        """Commit records and, if a group's metadata is given, offsets together.

        Raises
        ------
        DoubtError
            It failed, or its outcome is unknown.
        FencedError
            Another process has taken over.
        """
        self._pace.begin()
        try:
            if group_metadata is not None:
                with self._calls.one():
                    self._producer.send_offsets_to_transaction(list(offsets), group_metadata, _COMMIT_S)
            with self._calls.one():
                self._producer.commit_transaction(_COMMIT_S)
        except KafkaException as error:
            raise self._classified(error) from error
        self._doubt = self._pace.end()
        self._commits += 1
        # Ticks from the commit still wait in the queue and may be older than a break. Only a tick made from now on counts.
        # (The thread that makes them also ends the commit, so none is being made.)
        self._producer.poll(0)
        self._confirmed = self._signs.ticks + 1

    def poll(self) -> None:
        """Run callbacks of the client."""
        self._producer.poll(0)

    def drop(self) -> None:
        """Discard unsent records. The client ends with its last reference."""
        self._producer.purge(blocking=False)

    def _await_tick(self) -> None:
        wanted = self._signs.ticks + 1
        age, began = Age(_TICK_S), time.monotonic()
        while self._signs.ticks < wanted:
            self._producer.poll(_TICK_MS / 1000)
            if time.monotonic() - began > _TICK_S:
                age.tick()
                if age.of(began) > _TICK_S:
                    raise DoubtError("no statistics for a second")

    def _classified(self, error: KafkaException) -> Exception:
        code = _error_of(error)
        if code.code() in _FENCED:
            return FencedError(str(code))
        return DoubtError(str(code))


def _error_of(error: KafkaException) -> KafkaError:
    return error.args[0]

"""A transactional producer that is dropped whenever the outcome of a transaction may be in doubt."""

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

# librdkafka speaks EndTxn v1 and repeats it by itself; a connection cut while EndTxn is on its way tears transactions, and
# neither an error callback nor a slow commit tells. The broker counters in the statistics do (lrk#5423, KAFKA-17754).
# Retries as such do not count: most follow the broker's answer that it still ends the transaction before, which is harmless.
_TROUBLE = re.compile(r'"(?:disconnects|req_timeouts)":\s*(\d+)')
_ENDS = re.compile(r'"EndTxn":\s*(\d+)')
_TICK_MS = 20
_TICK_S = 1.0
_COMMIT_S = 3.0
_FENCED = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})


class DoubtError(RetryableError):
    """The outcome of the last transaction is not known: make a new producer and read the state again."""


class FencedError(FatalError):
    """Another process works under the same transactional id: this one must end."""


class _Signs:
    """What the client tells of itself.

    Apart from the producer, so that no cycle keeps a dropped one alive: it would go on counting in memory that nobody reads.
    """

    def __init__(self, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self.ticks = 0
        self.trouble = 0
        self.ends = 0
        self.error = ""

    def statistics(self, text: str) -> None:
        """Take a statistics tick."""
        self.ticks += 1
        self.trouble = sum(map(int, _TROUBLE.findall(text)))
        self.ends = sum(map(int, _ENDS.findall(text)))

    def report(self, error: KafkaError) -> None:
        """Take an error of the client."""
        self.error = self.error or str(error)
        self._on_error(str(error))


class TransactionalProducer:
    """One transaction after another, each confirmed before the next begins.

    Parameters
    ----------
    settings
        Shared settings.
    transactional_id
        Stable over restarts, so that a new producer fences the one before it.
    on_error
        Told of each error that the client reports.
    calls
        Told of each call that may hang.
    logger
        Gets what the client logs; ``None`` for standard error.
    pace
        How long commits take here; one that outlives a producer knows those of the ones before.
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
        """Make sure that nothing happened to the connection since the last commit began; :meth:`begin` does so by itself.

        Raises
        ------
        DoubtError
            Something did.
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
        """Begin a transaction, if nothing happened to the connection since the last commit began.

        It is asked as late as this, so that records are handled while the client's statistics come; and whatever happened while
        they were handled counts as well, since this commit might hang.

        Raises
        ------
        DoubtError
            Something did.
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
        """Commit records and, where a group's metadata is given, offsets as one.

        Raises
        ------
        DoubtError
            It failed, or nobody can tell whether it did.
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
        # Ticks that came during the commit still wait in the queue and may be older than the cut: only one that is made from
        # now on tells. (The thread that makes them also ends the commit, so none is in the making.)
        self._producer.poll(0)
        self._confirmed = self._signs.ticks + 1

    def poll(self) -> None:
        """Serve callbacks."""
        self._producer.poll(0)

    def drop(self) -> None:
        """Give up what was not sent; the client ends when its last reference goes."""
        self._producer.purge(blocking=False)

    def _await_tick(self) -> None:
        wanted = self._signs.ticks + 1
        age, began = Age(_TICK_S), time.monotonic()
        while self._signs.ticks < wanted:
            self._producer.poll(_TICK_MS / 1000)
            if time.monotonic() - began > _TICK_S:
                age.look()
                if age.of(began) > _TICK_S:
                    raise DoubtError("no statistics for a second")

    def _classified(self, error: KafkaException) -> Exception:
        code = _error_of(error)
        if code.code() in _FENCED:
            return FencedError(str(code))
        return DoubtError(str(code))


def _error_of(error: KafkaException) -> KafkaError:
    return error.args[0]

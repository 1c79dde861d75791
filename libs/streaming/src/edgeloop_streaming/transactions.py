"""A transactional producer that is dropped whenever the outcome of a transaction may be in doubt."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Any

from confluent_kafka import KafkaError, KafkaException, Producer, TopicPartition

from edgeloop_streaming.settings import KafkaSettings

# librdkafka speaks EndTxn v1 and repeats it by itself; a connection cut while EndTxn is on its way tears transactions and
# neither an error callback nor a slow commit tells. The broker counters in the statistics do (lrk#5423, KAFKA-17754).
_TROUBLE = re.compile(rb'"(?:disconnects|req_timeouts|txretries)":\s*(\d+)')
_TICK_MS = 20
_SLOW_COMMIT_S = 1.0
_FENCED = frozenset({KafkaError._FENCED, KafkaError.INVALID_PRODUCER_EPOCH, KafkaError.PRODUCER_FENCED})


class DoubtError(Exception):
    """The outcome of the last transaction is not known: make a new producer and read the state again."""


class FencedError(Exception):
    """Another process works under the same transactional id: this one must end."""


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
    """

    def __init__(self, settings: KafkaSettings, transactional_id: str, on_error: Callable[[str], None]) -> None:
        self._on_error = on_error
        self._trouble = 0
        self._baseline: int | None = None
        self._ticks = 0
        self._confirmed = 0
        self._doubt = ""
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
                "stats_cb": self._statistics,
                "error_cb": self._error,
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
                self._producer.init_transactions(max(0.1, end - time.monotonic()))
                break
            except KafkaException as error:
                if not _error_of(error).retriable() or time.monotonic() > end:
                    raise self._classified(error) from error
                time.sleep(0.02)
        self._await_tick()
        self._baseline = self._trouble
        self._doubt = ""
        self._confirmed = self._ticks

    def confirm(self) -> None:
        """Make sure that nothing happened to the connection during the last commit.

        Raises
        ------
        DoubtError
            Something did.
        """
        if self._confirmed > self._ticks:
            self._await_tick()
        if self._baseline is not None and self._trouble != self._baseline:
            self._doubt = self._doubt or f"connection trouble {self._baseline} → {self._trouble}"
        if self._doubt:
            raise DoubtError(self._doubt)

    def begin(self) -> None:
        """Begin a transaction."""
        try:
            self._producer.begin_transaction()
        except KafkaException as error:
            raise self._classified(error) from error

    def produce(self, topic: str, key: bytes | None, value: bytes | None, headers: Any, partition: int | None) -> None:
        """Write a record in the current transaction."""
        place = {} if partition is None else {"partition": partition}
        while True:
            try:
                self._producer.produce(topic, value=value, key=key, headers=headers, **place)
                return
            except BufferError:
                self._producer.poll(0.05)
            except KafkaException as error:
                raise self._classified(error) from error

    def commit(self, offsets: Sequence[TopicPartition], group_metadata: Any) -> None:
        """Commit records and offsets as one.

        Raises
        ------
        DoubtError
            It failed, or nobody can tell whether it did.
        FencedError
            Another process has taken over.
        """
        started = time.monotonic()
        try:
            self._producer.send_offsets_to_transaction(list(offsets), group_metadata, 8.0)
            self._producer.commit_transaction(8.0)
        except KafkaException as error:
            raise self._classified(error) from error
        if time.monotonic() - started > _SLOW_COMMIT_S:
            self._doubt = "the commit took over a second"
        self._confirmed = self._ticks + 1

    def poll(self) -> None:
        """Serve callbacks."""
        self._producer.poll(0)

    def _await_tick(self) -> None:
        wanted = self._ticks + 1
        end = time.monotonic() + 1.0
        while self._ticks < wanted:
            self._producer.poll(_TICK_MS / 1000)
            if time.monotonic() > end:
                raise DoubtError("no statistics for a second")

    def _statistics(self, text: str) -> None:
        self._ticks += 1
        self._trouble = sum(int(number) for number in _TROUBLE.findall(text.encode()))

    def _error(self, error: KafkaError) -> None:
        self._doubt = self._doubt or str(error)
        self._on_error(str(error))

    def _classified(self, error: KafkaException) -> Exception:
        code = _error_of(error)
        if code.code() in _FENCED:
            return FencedError(str(code))
        return DoubtError(str(code))


def _error_of(error: KafkaException) -> KafkaError:
    return error.args[0]

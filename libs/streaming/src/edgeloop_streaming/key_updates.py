"""Writing what follows the newest record of a key, where others may do the same at the same time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from edgeloop_contracts import Event, Topic
from edgeloop_errors import RetryableError
from edgeloop_kafka.causation import event_headers
from edgeloop_kafka.codec import Codec, body
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_readers.table import Table

from edgeloop_streaming.transactions import DoubtError, FencedError, TransactionalProducer

E = TypeVar("E", bound=Event)

PAUSE_S = 0.2  # times the attempts so far: longer than a turn takes, so that the one who fenced this one comes through


class OvertakenError(RetryableError):
    """No attempt came through in time."""


class KeyUpdater:
    """Whoever writes takes the topic's turn first, and only then reads what there is.

    The turn is a transactional producer's id: to open one ends the transaction of the one before, whose record then does not
    count. So what is written follows what was read, or is not written.

    Parameters
    ----------
    settings, codec
        As of the process.
    source
        Who sends, for ``ce_source``.
    topic
        A compacted one.
    table
        Of that topic.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, source: str, topic: Topic, table: Table) -> None:
        self._settings = settings
        self._codec = codec
        self._source = source
        self._topic = topic
        self._table = table
        self._logger = logging.getLogger(__name__)
        self._logger.disabled = True  # to be fenced is no trouble here, and what is one is raised

    def update(self, key: str, follow: Callable[[Any], E], timeout: float = 30.0) -> E:
        """Write the next record of a key; give it back.

        Parameters
        ----------
        follow
            Makes it from the newest event, ``None`` for none; called again where another one came first.
        timeout
            Seconds.

        Raises
        ------
        OvertakenError
            It has not been written in time.
        """
        end, sent, attempt = time.monotonic() + timeout, "", 0
        while True:
            attempt += 1
            turn = f"{self._settings.topic_prefix}edgeloop-turn-{self._topic.name}"
            producer = TransactionalProducer(self._settings, turn, lambda _: None, logger=self._logger)
            try:
                producer.open(max(1.0, end - time.monotonic()))
                self._table.refresh()
                newest = self._table.get(key)
                if newest is not None and newest.id == sent:  # the outcome was in doubt, and it was written
                    return newest.event
                event = follow(newest.event if newest else None)
                encoded = body(event)
                headers = event_headers(
                    event, source=self._source, key=key, body=encoded, cause=None, trace="", time_ms=int(time.time() * 1000)
                )
                sent = headers["ce_id"].decode()
                producer.begin()
                value = self._codec.frame(self._topic, type(event)) + encoded
                producer.produce(self._settings.topic_prefix + self._topic.name, key.encode(), value, list(headers.items()), None)
                producer.commit()
            except (DoubtError, FencedError) as error:
                if time.monotonic() > end:
                    raise OvertakenError(f"{self._topic.name}: {error}") from error
                time.sleep(PAUSE_S * attempt)
            else:
                return event
            finally:
                producer.drop()

"""Producing without a transaction: devices, commands and programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, Message, Producer
from edgeloop_contracts import Cause, Event, Topic

from edgeloop_kafka.causation import event_headers
from edgeloop_kafka.codec import Codec, body
from edgeloop_kafka.settings import KafkaSettings
from edgeloop_kafka.writer_schemas import fingerprint

E = TypeVar("E", bound=Event)
K = TypeVar("K", bound=str)
Delivered = Callable[[str | None], None]
Sign = Callable[[str, bytes, bytes, bytes], Mapping[str, bytes]]
"""Makes further headers of a record from its topic, key, schema fingerprint and Avro body."""


class Publisher:
    """An idempotent producer of events.

    Parameters
    ----------
    settings, codec
        As of the process.
    source
        Name of the sender, for ``ce_source``.
    timeout_s
        Seconds after which an undelivered record is given up and reported; ``None`` for never. Records after a given-up one may still
        arrive. A sender that repeats records in order sets ``None``.
    """

    def __init__(self, settings: KafkaSettings, codec: Codec, source: str, timeout_s: float | None = 30.0) -> None:
        self._prefix = settings.topic_prefix
        self._codec = codec
        self._source = source
        self._failed: list[str] = []
        self._producer = Producer(
            {
                **settings.librdkafka(),
                "enable.idempotence": True,
                "partitioner": "murmur2_random",
                "linger.ms": 1,
                "compression.type": "lz4",
                "message.max.bytes": 8 << 20,
                "message.timeout.ms": 0 if timeout_s is None else int(timeout_s * 1000),
            }
        )

    def publish(
        self,
        topic: Topic[E, K],
        key: K,
        event: E,
        *,
        cause: Cause | None = None,
        on_delivery: Delivered | None = None,
        headers: Mapping[str, bytes] | None = None,
        partition: int | None = None,
        sign: Sign | None = None,
        stamped: Callable[[int], None] | None = None,
    ) -> str:
        """Hand an event over for sending; give back its id.

        Parameters
        ----------
        on_delivery
            Called from :meth:`poll` or :meth:`flush` with ``None`` once the broker has it, else with the error's text.
        sign
            Signs it, see ``edgeloop_signing.device_signatures``.
        stamped
            Called once the broker has it with its record time, milliseconds: the broker's own in topics that say so.
        """
        encoded = body(event)
        own = event_headers(event, source=self._source, key=key, body=encoded, cause=cause, trace="", time_ms=int(time.time() * 1000))
        frame = self._codec.frame(topic, type(event))
        more = dict(headers or {})
        if sign is not None:
            more |= sign(topic.name, key.encode(), fingerprint(type(event)), encoded)

        def report(error: KafkaError | None, message: Message) -> None:
            if error is not None:
                self._failed.append(f"{topic.name}: {error.str()}")
            elif stamped is not None:
                stamped(message.timestamp()[1])
            if on_delivery is not None:
                on_delivery(None if error is None else error.str())

        place: dict[str, Any] = {} if partition is None else {"partition": partition}
        while True:
            try:
                self._producer.produce(
                    self._prefix + topic.name,
                    value=frame + encoded,
                    key=key.encode(),
                    headers=list((own | more).items()),
                    on_delivery=report,
                    **place,
                )
                return own["ce_id"].decode()
            except BufferError:
                self._producer.poll(0.05)

    def poll(self, timeout: float = 0.0) -> int:
        """Serve delivery reports for at most ``timeout`` seconds; give back how many."""
        return self._producer.poll(timeout)

    def flush(self, timeout: float = 30.0) -> int:
        """Wait for all deliveries; give back how many are still outstanding."""
        return self._producer.flush(timeout)

    def failures(self) -> list[str]:
        """Errors of deliveries that were given up since the last call."""
        failed, self._failed = self._failed, []
        return failed

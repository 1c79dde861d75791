"""A record as a consumer gives it."""

from __future__ import annotations

from typing import Any, Protocol

from confluent_kafka import KafkaError


class ConsumerMessage(Protocol):
    """:class:`confluent_kafka.Message` of a consumer: unlike one that is still to be sent, it has a place."""

    def error(self) -> KafkaError | None:
        """Error in place of a record."""
        ...

    def topic(self) -> str:
        """Name of its topic."""
        ...

    def partition(self) -> int:
        """Number of its partition."""
        ...

    def offset(self) -> int:
        """Its offset there."""
        ...

    def key(self) -> Any:
        """Bytes, or nothing."""
        ...

    def value(self) -> Any:
        """Bytes, or nothing."""
        ...

    def headers(self) -> Any:
        """Names and bytes, or nothing."""
        ...

    def timestamp(self) -> tuple[int, int]:
        """Its kind, and milliseconds."""
        ...

"""Listeners for records that a reader leaves out."""

from __future__ import annotations

from typing import Protocol

from edgeloop_contracts import Topic
from edgeloop_errors import InvalidEventError
from edgeloop_kafka.consumed import Consumed


class Telling(Protocol):
    """Told of each record that is left out, such as :class:`edgeloop_readers.skipped_records.Overlooked`."""

    def __call__(self, topic: Topic, message: Consumed, error: InvalidEventError, *, fresh: bool = True) -> None:
        """Take note of it; ``fresh`` is false where it lay there before this process began to follow."""
        ...


def untold(topic: Topic, message: Consumed, error: InvalidEventError, *, fresh: bool = True) -> None:
    """Take no note: for who shows what he reads himself."""
    del topic, message, error, fresh

"""Membership of this process in its consumer group, under a static name.

A static name (``group.instance.id``) belongs to the member that joined last. A process that was stopped or cut off for longer than
its session does not know that a successor has the name. Its consumer would take the name back, and its new producer would fence the
successor's. So it checks before it opens one.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_streaming.transactions import FencedError

_REQUEST_S = 1.0
_ID = 37  # a hyphen and a UUID


# A broker that dies while a static member rejoins fences that member, too, although nobody else has its name. In both cases only a
# new consumer helps. The client reports this as an error of a message, which is not always marked as fatal.
_FENCED = frozenset({KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID})


def is_fenced(error: KafkaError) -> bool:
    """Whether an error means that the consumer has lost its membership for good."""
    return error.fatal() or error.code() in _FENCED


class Membership:
    """The place of one process in its group.

    Parameters
    ----------
    settings
        Shared settings.
    group, instance
        Names of the group and of the process in it.
    log
        Of the process.
    """

    def __init__(self, settings: KafkaSettings, group: str, instance: str, log: Any) -> None:
        self._settings = settings
        self._group = group
        self._instance = instance
        self._log = log
        self._id = ""

    def joined(self, consumer: Consumer) -> None:
        """Note that the consumer was given partitions."""
        self._id = consumer.memberid() or ""

    def left(self) -> None:
        """Note that the consumer has given them back and rejoins, under an id that is not known yet."""
        self._id = ""

    def check(self) -> bool:
        """Check that no other process has the name; give back whether the broker answered.

        It does not wait for a broker that is away: a consumer whose session has ended meanwhile would send heartbeats under no id and
        be fenced for it. Without partitions, nothing is asked.

        Raises
        ------
        FencedError
            Another process has it.
        """
        if not self._id:
            return True
        try:
            holder = self._holder()
        except KafkaException as error:
            self._log.warning("cannot read the members of the group", instance=self._instance, error=str(error))
            return False
        if holder not in ("", self._id):
            raise FencedError(f"another process runs as {self._instance}: this one was away for longer than its session")
        return True

    def _holder(self) -> str:
        # describe_consumer_groups would return the name itself, but aborts the process if a connection breaks meanwhile (lrk#4605).
        # A broker names static members after their instance, with a UUID behind it.
        admin = AdminClient(self._settings.librdkafka())
        members = [member.id for group in admin.list_groups(self._group, _REQUEST_S) for member in group.members]
        return next(
            (name for name in members if name and name.startswith(f"{self._instance}-") and len(name) == len(self._instance) + _ID), ""
        )

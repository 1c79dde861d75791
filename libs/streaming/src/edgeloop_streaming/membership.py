"""Whether this process still holds its name in its group.

A static member's name (``group.instance.id``) goes to whoever joined last. A process that was stopped, or cut off, for longer than
its session does not know that a successor has it: its consumer would join anew and take the name back, its new producer would
fence the successor's. So it asks first.
"""

from __future__ import annotations

from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException
from confluent_kafka.admin import AdminClient
from edgeloop_kafka.settings import KafkaSettings

from edgeloop_streaming.transactions import FencedError

_REQUEST_S = 1.0
_ID = 37  # a hyphen and a UUID


# A broker that dies while a static member joins again fences that member, too, though nobody else has its name: either way
# only a new consumer helps. The client reports this as a message's error, which is not always marked as fatal.
_FENCED = frozenset({KafkaError._FATAL, KafkaError.FENCED_INSTANCE_ID})


def is_fenced(error: KafkaError) -> bool:
    """Whether a consumer's error says that its membership is gone for good."""
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
        Told when nobody answers.
    """

    def __init__(self, settings: KafkaSettings, group: str, instance: str, log: Any) -> None:
        self._settings = settings
        self._group = group
        self._instance = instance
        self._log = log
        self._id = ""

    def joined(self, consumer: Consumer) -> None:
        """The consumer has been given partitions."""
        self._id = consumer.memberid() or ""

    def left(self) -> None:
        """The consumer has given them back and joins again, under an id that is not known yet."""
        self._id = ""

    def check(self) -> bool:
        """Make sure that nobody else has the name; give back whether the broker answered.

        Does not wait for a broker that is away: until this process has noted that its session has ended, its consumer goes on telling
        life under no id, and would be fenced for it. Between giving partitions back and being given some, nothing is asked.

        Raises
        ------
        FencedError
            Somebody has.
        """
        if not self._id:
            return True
        try:
            holder = self._holder()
        except KafkaException as error:
            self._log.warning("cannot tell who has this name", instance=self._instance, error=str(error))
            return False
        if holder not in ("", self._id):
            raise FencedError(f"another process works as {self._instance}: this one was away for longer than its session")
        return True

    def _holder(self) -> str:
        # describe_consumer_groups would tell the name itself, and aborts the process when a connection breaks meanwhile (lrk#4605).
        # A broker names static members after their instance, with a UUID behind it.
        admin = AdminClient(self._settings.librdkafka())
        members = [member.id for group in admin.list_groups(self._group, _REQUEST_S) for member in group.members]
        return next(
            (name for name in members if name and name.startswith(f"{self._instance}-") and len(name) == len(self._instance) + _ID), ""
        )

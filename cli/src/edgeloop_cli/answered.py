"""Commands to a service that answers each by an event."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from edgeloop_cli.errors import FailedError, RefusedError

if TYPE_CHECKING:
    from edgeloop_contracts import Topic
    from edgeloop_streaming import Context


def answer_to(context: Context, command: Any, commands: Topic[Any, Any], answers: Topic[Any, Any], service: str, timeout: float) -> Any:
    """Write a command, and wait for the first event of ``answers`` that names it.

    Raises
    ------
    RefusedError
        The topics are not there.
    FailedError
        The service does not answer in time; the command stays.
    """
    from edgeloop_readers.topic_tail import TopicTail

    try:
        tail = TopicTail(context.settings, context.codec, answers)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    try:
        for _ in tail.existing(1):  # those before the command do not count
            pass
        _write(context, command, commands)
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            for record in tail.poll(0.1):
                answer: Any = getattr(record, "event", None)
                if answer is not None and answer.command_id == command.command_id:
                    return answer
    finally:
        tail.close()
    raise FailedError(
        f"the service {service} did not answer within {timeout:g} s: does it run? The command {command.command_id} stays in "
        f"{commands.name}; it is carried out once the service runs"
    )


def _write(context: Context, command: Any, topic: Topic[Any, Any]) -> None:
    publisher = context.publisher()
    publisher.publish(topic, topic.key_of(command), command)
    left = publisher.flush()
    failures = publisher.failures()
    if left or failures:
        raise FailedError(f"the command was not written: {(failures or ['the broker did not accept it in time'])[0]}")


def newest(context: Context, topic: Topic[Any, Any]) -> dict[str, Any]:
    """The newest event of each key of a topic.

    Raises
    ------
    RefusedError
        The topic is not there.
    """
    found: dict[str, Any] = {}
    for record in _records(context, topic):
        if (event := getattr(record, "event", None)) is not None:
            found[record.key] = event
        elif getattr(record, "reason", "") == "tombstone":
            found.pop(record.key, None)
    return found


def events(context: Context, topic: Topic[Any, Any]) -> list[Any]:
    """All events of a topic in their order.

    Raises
    ------
    RefusedError
        The topic is not there.
    """
    return [event for record in _records(context, topic) if (event := getattr(record, "event", None)) is not None]


def _records(context: Context, topic: Topic[Any, Any]) -> list[Any]:
    from edgeloop_readers.topic_tail import TopicTail

    try:
        tail = TopicTail(context.settings, context.codec, topic)
    except LookupError as error:
        raise RefusedError(str(error.args[0])) from None
    try:
        return sorted(tail.existing(), key=lambda one: (one.partition, one.offset))
    finally:
        tail.close()

"""A service as the loop runs it: its inputs, and the tasks of their partitions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeloop_contracts import Topic, topics

from edgeloop_streaming.state import State
from edgeloop_streaming.state_recovery import UnreadableStateError
from edgeloop_streaming.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What the loop runs.

    Attributes
    ----------
    name
        Name of the service, as in ``topics``.
    inputs
        What it consumes; all with the same number of partitions. What is redriven to it comes besides.
    task
        Makes the task of a partition from its rebuilt state.
    """

    name: str
    inputs: tuple[Topic, ...]
    task: Callable[[int, State], Task]


def task_of(service: Service, partition: int, state: State) -> Task:
    """The task of a partition.

    Raises
    ------
    UnreadableStateError
        What the state topic holds is no state of this service, although each of its records is well-formed.
    """
    try:
        return service.task(partition, state)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        place = f"{topics.state(service.name).name}/{partition}"
        raise UnreadableStateError(place, f"no state can be made of it: {error!r}", "delete the keys that are not its own") from error

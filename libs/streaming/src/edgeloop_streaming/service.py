"""A service as the loop runs it: inputs, and a task for each partition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from edgeloop_contracts import Topic, topics

from edgeloop_streaming.state import State
from edgeloop_streaming.state_recovery import UnreadableStateError
from edgeloop_streaming.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The definition of a service.

    Attributes
    ----------
    name
        Name of the service, as in ``topics``.
    inputs
        Topics that it consumes, all with the same number of partitions. Its redrive topic is added.
    task
        Makes the task of a partition from its restored state.
    """

    name: str
    inputs: tuple[Topic, ...]
    task: Callable[[int, State], Task]


def task_of(service: Service, partition: int, state: State) -> Task:
    """The task of a partition.

    Raises
    ------
    UnreadableStateError
        The records of the state topic are well-formed, but are not a state of this service.
    """
    try:
        return service.task(partition, state)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        place = f"{topics.state(service.name).name}/{partition}"
        raise UnreadableStateError(place, f"its records are not a state of this service: {error!r}", "delete the keys of others") from error

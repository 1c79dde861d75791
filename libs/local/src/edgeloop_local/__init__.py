"""A real Kafka and a real schema registry as local processes, and the supervision of services."""

from edgeloop_local.errors import LocalError
from edgeloop_local.progress import progress_for
from edgeloop_local.signals import interrupted_by_signals
from edgeloop_local.stack import LocalStack
from edgeloop_local.stack_description import StackInfo
from edgeloop_local.supervised_child import ChildSpec, ChildStatus, End, State
from edgeloop_local.supervisor import Supervisor

__all__ = [
    "ChildSpec",
    "ChildStatus",
    "End",
    "LocalError",
    "LocalStack",
    "StackInfo",
    "State",
    "Supervisor",
    "interrupted_by_signals",
    "progress_for",
]

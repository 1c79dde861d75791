"""A real Kafka and a real schema registry as local processes, and the supervision of services."""

from edgeloop_local.errors import LocalError
from edgeloop_local.stack import LocalStack
from edgeloop_local.stackinfo import StackInfo

__all__ = ["LocalError", "LocalStack", "StackInfo"]

"""Kafka for services: typed events in, typed events out, exactly once."""

from edgeloop_streaming.messages import Backpressure, Effect, Forward, InvalidEvent, Received, Reject, Send, Task
from edgeloop_streaming.partitioner import murmur2, partition_of
from edgeloop_streaming.state import State

__all__ = [
    "Backpressure",
    "Effect",
    "Forward",
    "InvalidEvent",
    "Received",
    "Reject",
    "Send",
    "State",
    "Task",
    "murmur2",
    "partition_of",
]

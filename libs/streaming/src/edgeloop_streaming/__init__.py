"""Kafka for services: typed events in, typed events out, exactly once."""

from edgeloop_streaming.codec import Codec, body, from_body
from edgeloop_streaming.health import CannotListen, HealthServer
from edgeloop_streaming.loop import Service
from edgeloop_streaming.messages import Backpressure, Effect, Forward, InvalidEvent, Received, Reject, Send, Task
from edgeloop_streaming.partitioner import murmur2, partition_of
from edgeloop_streaming.partitions import Follower, RangeGoneError, RangeReader, Table
from edgeloop_streaming.policies import Policies
from edgeloop_streaming.process import Context, Stop, run, setting_up, watch
from edgeloop_streaming.publisher import Publisher
from edgeloop_streaming.reaching import Unreachable, reach
from edgeloop_streaming.registry import RegistryUnavailable, SchemaRegistry, UnknownSchema
from edgeloop_streaming.settings import KafkaSettings, unusable
from edgeloop_streaming.state import State
from edgeloop_streaming.subscriptions import Subscription
from edgeloop_streaming.succession import OvertakenError, Succession
from edgeloop_streaming.telemetry import configure_logs

__all__ = [
    "Backpressure",
    "CannotListen",
    "Codec",
    "Context",
    "Effect",
    "Follower",
    "Forward",
    "HealthServer",
    "InvalidEvent",
    "KafkaSettings",
    "OvertakenError",
    "Policies",
    "Publisher",
    "RangeGoneError",
    "RangeReader",
    "Received",
    "RegistryUnavailable",
    "Reject",
    "SchemaRegistry",
    "Send",
    "Service",
    "State",
    "Stop",
    "Subscription",
    "Succession",
    "Table",
    "Task",
    "UnknownSchema",
    "Unreachable",
    "body",
    "configure_logs",
    "from_body",
    "murmur2",
    "partition_of",
    "reach",
    "run",
    "setting_up",
    "unusable",
    "watch",
]

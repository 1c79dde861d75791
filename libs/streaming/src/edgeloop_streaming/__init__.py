"""The Kafka runtime of services: typed events in, typed events out, exactly once."""

from edgeloop_streaming.health import CannotListen, HealthServer
from edgeloop_streaming.loop import Service
from edgeloop_streaming.messages import Backpressure, Effect, Forward, InvalidEvent, Reject, Send, Task
from edgeloop_streaming.process import Context, Stop, run, setting_up, watch
from edgeloop_streaming.state import State
from edgeloop_streaming.subscriptions import Subscription
from edgeloop_streaming.telemetry import configure_logs
from edgeloop_streaming.versioned_writes import OvertakenError, Succession

__all__ = [
    "Backpressure",
    "CannotListen",
    "Context",
    "Effect",
    "Forward",
    "HealthServer",
    "InvalidEvent",
    "OvertakenError",
    "Reject",
    "Send",
    "Service",
    "State",
    "Stop",
    "Subscription",
    "Succession",
    "Task",
    "configure_logs",
    "run",
    "setting_up",
    "watch",
]

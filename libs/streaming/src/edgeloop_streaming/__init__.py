"""The Kafka runtime of services: typed events in, typed events out, exactly once."""

from edgeloop_errors import InvalidEventError

from edgeloop_streaming.health import CannotListenError, HealthServer
from edgeloop_streaming.messages import BackpressureError, Bulk, Effect, Forward, Reject, Send, Task
from edgeloop_streaming.process import Context, StopSignal, run, setting_up, watch
from edgeloop_streaming.service import Service
from edgeloop_streaming.state import State
from edgeloop_streaming.subscriptions import Subscription
from edgeloop_streaming.telemetry import configure_logs
from edgeloop_streaming.versioned_writes import OvertakenError, Succession

__all__ = [
    "BackpressureError",
    "Bulk",
    "CannotListenError",
    "Context",
    "Effect",
    "Forward",
    "HealthServer",
    "InvalidEventError",
    "OvertakenError",
    "Reject",
    "Send",
    "Service",
    "State",
    "StopSignal",
    "Subscription",
    "Succession",
    "Task",
    "configure_logs",
    "run",
    "setting_up",
    "watch",
]

"""The Kafka runtime of services: typed events in, typed events out, exactly once."""

from edgeloop_errors import InvalidEventError

from edgeloop_streaming.health import CannotListenError, HealthServer
from edgeloop_streaming.key_updates import KeyUpdater, OvertakenError
from edgeloop_streaming.process import Context, StopSignal, run, setting_up, watch
from edgeloop_streaming.service import Service
from edgeloop_streaming.state import State
from edgeloop_streaming.subscription import Subscription
from edgeloop_streaming.tasks import BackpressureError, Bulk, Effect, Forward, Reject, Send, Task
from edgeloop_streaming.telemetry import LOG_THRESHOLD, configure_logs

__all__ = [
    "LOG_THRESHOLD",
    "BackpressureError",
    "Bulk",
    "CannotListenError",
    "Context",
    "Effect",
    "Forward",
    "HealthServer",
    "InvalidEventError",
    "KeyUpdater",
    "OvertakenError",
    "Reject",
    "Send",
    "Service",
    "State",
    "StopSignal",
    "Subscription",
    "Task",
    "configure_logs",
    "run",
    "setting_up",
    "watch",
]

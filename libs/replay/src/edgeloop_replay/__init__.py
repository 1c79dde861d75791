"""Replay of the closed loop on recorded rows: one process, no Kafka, the decisions of the services.

Examples
--------
The accuracy of two policies on a CSV file, label column ``failed``::

    from edgeloop_replay import Policy, read_stream, replay, setting_of

    setting = setting_of(read_stream("pumps.csv.gz", "failed"), "pumps", delay=200)
    for policy in (Policy(), Policy.parse({"retraining": {"stages": [300]}})):
        print(replay(setting, policy).report["accuracy"])
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from edgeloop_replay.errors import BadPolicyError, BadTableError, NoFirstModelError, ReplayError
    from edgeloop_replay.parallel import backtest
    from edgeloop_replay.policy import Policy
    from edgeloop_replay.result import Result, replay
    from edgeloop_replay.setting import Setting, setting_of
    from edgeloop_replay.tables.csv_file import read_stream
    from edgeloop_replay.tables.stream_table import StreamTable
    from edgeloop_replay.task import Task

__all__ = [
    "BadPolicyError",
    "BadTableError",
    "NoFirstModelError",
    "Policy",
    "ReplayError",
    "Result",
    "Setting",
    "StreamTable",
    "Task",
    "backtest",
    "read_stream",
    "replay",
    "setting_of",
]

# Imported when first used: the command line asks for single modules, and most of its commands for none.
_MODULES = {
    **dict.fromkeys(("BadPolicyError", "BadTableError", "NoFirstModelError", "ReplayError"), "errors"),
    "Policy": "policy",
    **dict.fromkeys(("Result", "replay"), "result"),
    **dict.fromkeys(("Setting", "setting_of"), "setting"),
    "StreamTable": "tables.stream_table",
    "Task": "task",
    "backtest": "parallel",
    "read_stream": "tables.csv_file",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)

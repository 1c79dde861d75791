"""Connection settings of the cluster that a command uses."""

from __future__ import annotations

import os
from pathlib import Path

from edgeloop_kafka import KafkaSettings
from edgeloop_local import LocalStack


def settings_here(data_dir: Path = Path(".edgeloop")) -> KafkaSettings:
    """Settings from the environment; where it names no cluster, those of the stack that runs on ``data_dir``.

    Raises
    ------
    ValueError
        A variable cannot be used.
    """
    stack = None if "EDGELOOP_KAFKA_BOOTSTRAP" in os.environ else LocalStack.attached(data_dir)
    if stack is None:
        return KafkaSettings()
    return KafkaSettings(bootstrap=stack.bootstrap, schema_registry_url=stack.registry_url)

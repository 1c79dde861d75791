"""Environment of MLflow's client and its onnxruntime, which read it at their import."""

from __future__ import annotations

import os

# Events are tried again anyway, and meanwhile the process must stay alive for its watchdog. Telemetry would tell others about a fleet.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "ORT_DISABLE_TELEMETRY": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def set_defaults() -> None:
    """Set the variables that are not set; call it before the import."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)

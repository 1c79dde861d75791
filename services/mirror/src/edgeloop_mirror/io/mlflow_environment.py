"""What MLflow's client, and the onnxruntime that it loads, read from the environment when they are imported."""

from __future__ import annotations

import os

# The event is tried again anyway, and meanwhile this process must show that it lives. Nothing of a fleet's business leaves it.
DEFAULTS = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "WARNING",
    "ORT_DISABLE_TELEMETRY": "1",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}


def set_defaults() -> None:
    """Set what is not set; before the import."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)

"""onnxruntime, silent: on its own each process that loads it writes an id into its user's cache and tells its makers that it runs.

It looks at its switch while it is loaded; ``disable_telemetry_events()`` comes too late for both. So it is imported from here, and nowhere else.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime", "open_session"]

SILENT = 4  # of onnxruntime's log


def open_session(model: bytes, *, quiet: bool = False) -> Any:
    """Load an ONNX file with one thread: requests are many and small, so they run beside each other.

    Parameters
    ----------
    quiet
        Whether onnxruntime writes nothing about the model to standard error; who asks is told by exceptions.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    if quiet:
        options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

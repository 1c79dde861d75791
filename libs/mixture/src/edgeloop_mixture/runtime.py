"""onnxruntime without telemetry: by default it writes an id into the user's cache, and reports each process to its vendor.

It reads the switch while it is loaded, and ``disable_telemetry_events()`` comes too late. So every module imports it from here.
"""

from __future__ import annotations

import os
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime", "open_session"]

SILENT = 4  # of onnxruntime's log


def open_session(model: bytes, *, quiet: bool = False) -> Any:
    """Load an ONNX file with one thread, since many small requests run in parallel.

    Parameters
    ----------
    quiet
        Whether onnxruntime writes nothing about the model to standard error; exceptions report errors.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    if quiet:
        options.log_severity_level = SILENT
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

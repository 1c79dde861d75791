"""onnxruntime, silent: on its own each process that loads it writes an id into its user's cache and tells its makers that it runs.

It looks at its switch while it is loaded; ``disable_telemetry_events()`` comes too late for both. So it is imported from here, and nowhere else.
"""

from __future__ import annotations

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]

"""Scopes of error detectors, as ``DriftSignal.scope`` names them.

``STREAM``: all answers of a stream, whichever version gave them. ``ALONE``: the answers that versions would have given without
their adapter. ``VERSION``: the answers of the newest version.
"""

from __future__ import annotations

STREAM = "stream"
VERSION = "version"
ALONE = "alone"

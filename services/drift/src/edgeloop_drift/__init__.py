"""Detect changes of error rates and of inputs, pooled over the devices of a stream."""

from edgeloop_drift.io.deferred_imports import defer

# River's detectors import its data sets, and with them scikit-learn and SQLAlchemy; KSWIN alone needs statistics.
# Deferred, the service starts in half the time and takes half the memory.
defer("river.stream", "scipy.stats")

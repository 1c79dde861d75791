"""Detect changes of error rates and of inputs, pooled over the devices of a stream."""

from edgeloop_drift.io.deferred_imports import put_off

# River's detectors come with its data sets, and these with scikit-learn and SQLAlchemy; statistics are for KSWIN alone.
# Without them the service starts in half the time and takes half the memory.
put_off("river.stream", "scipy.stats")

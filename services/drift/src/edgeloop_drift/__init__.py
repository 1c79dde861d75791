"""Detect changes of error rates and of inputs, pooled over the devices of a stream."""

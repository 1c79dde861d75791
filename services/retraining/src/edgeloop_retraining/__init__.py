"""Decide when a stream is due for retraining, and on which rows."""

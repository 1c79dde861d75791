"""Decisions of the adapter service, without topics, clock and metrics."""

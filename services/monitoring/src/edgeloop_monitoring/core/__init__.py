"""Counts and decisions of monitoring, without I/O."""

"""Decisions of the trainer, without I/O and without a clock."""

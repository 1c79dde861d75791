"""Decisions of the device, without any input or output."""

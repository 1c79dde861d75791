"""Reads from topics besides the input."""

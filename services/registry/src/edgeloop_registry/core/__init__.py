"""Decisions of the model registry; no file, no network, no clock."""

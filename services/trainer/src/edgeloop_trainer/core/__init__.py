"""Decisions of the trainer; no file, no network, no clock."""

"""Decisions about the fleet; no file, no network, no clock."""

"""Decisions of the rollout; no file, no network, no clock."""

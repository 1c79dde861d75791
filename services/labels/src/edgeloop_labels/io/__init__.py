"""Pending observations on local disk, and how they come back after a loss."""

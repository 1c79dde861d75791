"""Pending observations on local disk, and their recovery."""

"""Roles that sign, each with its own keys, and the PEM files that hold them."""

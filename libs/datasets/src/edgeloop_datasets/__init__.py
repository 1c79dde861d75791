"""Labelled rows and model files, read by their places in topics."""

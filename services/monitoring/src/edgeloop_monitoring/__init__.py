"""Windowed views of the fleet, and alerts when a person should look."""

"""Faust, and Kafka behind it."""

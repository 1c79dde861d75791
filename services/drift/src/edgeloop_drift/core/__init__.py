"""Decisions of detection, without Kafka and clock."""

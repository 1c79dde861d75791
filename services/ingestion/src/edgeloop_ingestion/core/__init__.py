"""Decisions of ingestion, without Kafka, clocks and metrics."""

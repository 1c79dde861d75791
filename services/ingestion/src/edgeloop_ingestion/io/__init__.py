"""Ingestion's access to topics and state."""

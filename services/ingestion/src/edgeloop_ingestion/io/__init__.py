"""Ingestion's access to the outside."""

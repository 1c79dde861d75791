"""Replay of the closed loop on recorded rows: one process, no Kafka, the same decisions as the services."""

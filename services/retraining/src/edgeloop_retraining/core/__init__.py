"""Decisions of retraining: no Kafka, no clock; time is counted in labelled rows."""

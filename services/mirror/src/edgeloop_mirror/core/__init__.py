"""Pure: what MLflow is told of an event."""

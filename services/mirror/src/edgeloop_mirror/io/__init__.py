"""MLflow, and what is read from topics."""

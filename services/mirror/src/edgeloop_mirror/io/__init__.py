"""MLflow, and reads of topics."""

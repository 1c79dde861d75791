"""Content of runs and versions in MLflow, as pure functions of events."""

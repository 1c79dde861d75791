"""Training runs and versions, mirrored to MLflow."""

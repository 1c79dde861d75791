"""What the trainer tells, mirrored to MLflow for those who look there."""

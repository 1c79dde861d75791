"""What is decided here, without topics, clock or metrics."""

"""Join of observations with their labels."""

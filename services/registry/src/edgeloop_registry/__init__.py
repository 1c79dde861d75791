"""Stream definitions and model versions: checked, numbered, signed and chained."""

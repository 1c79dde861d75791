"""Which device shall run which version."""

"""The boot epoch of rows without sequence numbers."""

# Boot epoch after ingestion has numbered them; a device's own epochs are 0 or more.
UNNUMBERED = -1

"""Rows that come without sequence numbers, as all services see them."""

# Their boot epoch once ingestion has numbered them; a device's own epochs are 0 or more.
UNNUMBERED = -1

"""Assignment of versions to devices."""

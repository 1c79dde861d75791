"""The one door for raw data: valid rows go in once, in their device's partition; all else is told apart and counted."""

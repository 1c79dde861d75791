"""The entry of raw data: each valid row is accepted once, in its device's partition. Everything else is classified and counted."""

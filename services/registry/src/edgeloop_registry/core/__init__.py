"""What the registry decides; no file, no network, no clock."""

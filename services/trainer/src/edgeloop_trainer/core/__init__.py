"""What the trainer decides; no file, no network, no clock."""

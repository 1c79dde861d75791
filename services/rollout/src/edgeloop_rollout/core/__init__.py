"""What rollout decides; no file, no network, no clock."""

"""Outside of the rollout: what it looks up, and what it writes."""

"""The command ``edgeloop``."""

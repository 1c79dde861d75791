"""How quick edgeloop is, against what it builds on: ratios, taken side by side in one run."""

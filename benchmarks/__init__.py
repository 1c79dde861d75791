"""Benchmarks of edgeloop against the libraries that it builds on, as ratios within one run."""

"""Accuracy of the loop against other learners, on real and synthetic streams; see :mod:`benchmarks.quality`."""

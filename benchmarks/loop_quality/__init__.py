"""How right the loop is, beside other learners, on real and made streams; see :mod:`benchmarks.quality`."""

"""Stream definitions, and deferred imports."""

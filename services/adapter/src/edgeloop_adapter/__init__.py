"""Learning of a stream's mixture from each label, between two versions."""

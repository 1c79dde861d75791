"""What a stream's mixture of models learns from each label, between the fits."""

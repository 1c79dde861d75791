"""Connections of the trainer: topics, scikit-learn, River, ONNX and the child process."""

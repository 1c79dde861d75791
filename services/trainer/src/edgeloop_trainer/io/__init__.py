"""The trainer's access to topics, scikit-learn, ONNX and its child process."""

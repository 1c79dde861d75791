"""Where the trainer meets topics, scikit-learn, ONNX and its child process."""

"""ONNX graphs and chunks: where the registry meets files, libraries and topics."""

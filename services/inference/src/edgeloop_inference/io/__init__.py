"""Access to disk, network and onnxruntime."""

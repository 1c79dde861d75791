"""What touches disk, network and onnxruntime."""

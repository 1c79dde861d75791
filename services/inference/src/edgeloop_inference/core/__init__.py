"""What the device decides, without any input or output."""

"""What is read from topics besides the input."""

"""What counts and decides, without I/O."""

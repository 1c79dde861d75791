"""What needs no broker, no process and no clock."""

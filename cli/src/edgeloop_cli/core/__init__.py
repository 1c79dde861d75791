"""Code that needs no broker, no process and no clock."""

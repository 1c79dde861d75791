"""Pure functions: no broker, no process, no clock."""

"""Messages and services of the gRPC interfaces, generated from ``proto/``."""

"""The closed loop in one process, without Kafka: the cores of the services, on rows in their order."""

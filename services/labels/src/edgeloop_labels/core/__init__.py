"""How truth meets observation, free of Kafka, disks, clocks and metrics."""

"""The join of labels and observations, without Kafka, disks, clocks and metrics."""

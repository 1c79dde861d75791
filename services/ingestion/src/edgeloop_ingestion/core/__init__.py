"""What ingestion decides, free of Kafka, clocks and metrics."""

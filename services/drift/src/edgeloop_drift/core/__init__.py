"""What detection decides: no Kafka, no clock."""

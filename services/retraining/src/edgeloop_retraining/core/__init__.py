"""What retraining decides: no Kafka, no clock; time is counted in labelled rows."""

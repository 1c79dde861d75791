"""What ingestion needs from outside."""

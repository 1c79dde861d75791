"""Tables of rows: a CSV file, its columns, and the stream that they make."""

"""What detection asks of the outside."""

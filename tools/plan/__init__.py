"""What may change and what counts. Pure."""

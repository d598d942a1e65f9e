"""The repository that a call works in, its job, a person's consent, and recovery after a dead server."""

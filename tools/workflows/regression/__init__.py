"""The workflow `regression`."""

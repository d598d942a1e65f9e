"""The workflow `security`."""

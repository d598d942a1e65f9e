"""The workflow `scenario`."""

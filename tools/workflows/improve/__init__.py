"""The workflow `improve`."""

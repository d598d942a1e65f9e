"""The workflow `predict`."""

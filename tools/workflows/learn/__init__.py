"""The workflow `learn`."""

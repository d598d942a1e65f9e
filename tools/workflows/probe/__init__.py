"""The workflow `probe`."""

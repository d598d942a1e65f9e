"""The workflow `ship`."""

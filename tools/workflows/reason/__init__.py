"""The workflow `reason`."""

"""The workflow `debug`."""

"""The workflow `fix`."""

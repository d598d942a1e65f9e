"""The workflow `evals`."""

"""Cleaning and masking text, and reading Markdown."""

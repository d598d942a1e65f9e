"""Serving over HTTP, and the live page."""

"""Serving over stdio, there before a client loses its patience."""

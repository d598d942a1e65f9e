"""Drives an agent's headless client over one session, leg after leg."""

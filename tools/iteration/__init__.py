"""Preflight and baseline before a session; then one iteration after the other: commit, verify, guard, keep or undo, log."""

"""Ledgers: what an agent reports in a workflow, and what that adds up to. One module a workflow."""

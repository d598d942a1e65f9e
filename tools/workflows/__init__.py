"""Workflows: how a ledger is opened, written to and closed. One folder a workflow has all that only it needs."""

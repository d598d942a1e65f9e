"""What the server itself does in a workflow: look, run, compare. One module a workflow that has such a part."""

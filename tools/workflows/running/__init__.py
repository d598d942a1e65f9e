"""What the server does itself in a workflow: keep ledgers, run commands, look at the project."""

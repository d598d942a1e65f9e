"""Running a command: supervisor, sandbox, environment, and what is dangerous in a shell command."""

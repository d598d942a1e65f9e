"""The loop, without MCP: verbs here, pure rules in `rules/`, the outside world in `edges/`."""

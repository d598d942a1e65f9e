"""MCP: registers the tools, serves the prompts, translates errors; holds no rules."""

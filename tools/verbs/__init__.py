"""What an agent can ask for: a public method is a tool."""

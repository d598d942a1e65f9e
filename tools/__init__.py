"""The work, without MCP. A folder answers one question; `errors.py` and `vocabulary.py` are shared by all."""

"""Results files, ours and those of other tools."""

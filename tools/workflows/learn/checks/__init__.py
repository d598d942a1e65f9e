"""Everything that a document is checked for."""

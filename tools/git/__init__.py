"""Every question to git, commit and undo, and the second checkout."""

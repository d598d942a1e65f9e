"""What stands in a repository, and the plans that suit it."""

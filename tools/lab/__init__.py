"""Where a call works: the repository in hand, its job, and what a dead server left behind."""

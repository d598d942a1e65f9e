"""Many changes at once: workspaces of their own, candidates measured beside one another, winners put on the best in turn."""

"""The outside world, one home a library: git, processes, disk."""

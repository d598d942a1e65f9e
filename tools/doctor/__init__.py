"""What stands in the way on this machine."""

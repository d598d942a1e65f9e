"""What the runs say, and what follows. Pure."""

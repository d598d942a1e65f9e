"""What tools say is broken, counted."""

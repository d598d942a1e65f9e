"""What tools say is broken: one value for every tool's finding, and readers of what each tool writes. Pure."""

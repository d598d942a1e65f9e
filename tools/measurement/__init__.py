"""One run: where it ran, on which machine, what it rested on, and the number it gave."""

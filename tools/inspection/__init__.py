"""Pages looked at by a program: letters too small, labels on one another, what is cut off, what is empty."""

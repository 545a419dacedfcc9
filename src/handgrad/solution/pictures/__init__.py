"""Pictures of a worked solution: its network by layers, and its graph."""

"""Pages and formulas in each format: a mapping of blocks and of the nodes of mathematics, and JSON."""

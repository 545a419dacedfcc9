"""Mathematics as it is laid out: a formula becomes a small tree that each format only draws."""

"""A run as a whole: config in, live parts out, and what its folder holds."""

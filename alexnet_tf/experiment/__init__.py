"""A run as a whole: its config, its parts and its folder."""

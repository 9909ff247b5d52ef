"""One file an experiment; each says what the paper found and what we found."""

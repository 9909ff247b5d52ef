"""What is here, what is missing, and the remedy of each."""

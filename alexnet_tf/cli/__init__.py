"""What every program shares: how it starts, its errors, its progress bar."""

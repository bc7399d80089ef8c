"""Password hashing, blocklist, strength and leak check."""

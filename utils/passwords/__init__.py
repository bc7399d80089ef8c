"""Password hashing, block-list, strength and leak look-up."""

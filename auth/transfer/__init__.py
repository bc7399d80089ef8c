"""Import and export of accounts."""

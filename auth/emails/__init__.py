"""Email addresses: confirmation and change."""

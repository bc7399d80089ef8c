"""What this provider can do, for clients that configure themselves."""

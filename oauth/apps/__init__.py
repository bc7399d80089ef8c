"""Apps of an account: what they may do, since when, and the end of their access."""

"""Revocation of everything that an account's sessions and tokens can do."""

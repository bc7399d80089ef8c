"""Clients: registration, authentication, and why their logins failed."""

"""Clients that others wrote log in with this service."""

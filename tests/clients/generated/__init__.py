"""Clients that are generated from the API description."""

"""Accounts: registration, profile, deletion, export, activity."""

"""Mailers and the delivery thread."""

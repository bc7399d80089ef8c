"""Whole applications that log in with this service, in Chromium."""

"""Tests: auth, login."""

"""Tests: auth, roles."""

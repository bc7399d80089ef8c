"""Tests: auth, sessions."""

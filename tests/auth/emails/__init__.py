"""Tests: auth, emails."""

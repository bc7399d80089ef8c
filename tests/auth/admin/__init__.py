"""Tests: auth, admin."""

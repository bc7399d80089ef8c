"""Tests: auth, accounts."""

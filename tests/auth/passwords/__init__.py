"""Tests: auth, passwords."""

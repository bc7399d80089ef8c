"""Tests: auth, factors."""

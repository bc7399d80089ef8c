"""Tests: auth, transfer."""

"""Tests: auth, mailing."""

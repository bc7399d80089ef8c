"""Tests: clients of the provider."""

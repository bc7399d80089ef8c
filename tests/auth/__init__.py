"""Tests by capability."""

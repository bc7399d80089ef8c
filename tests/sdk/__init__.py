"""Tests: the guard of sdk/python."""

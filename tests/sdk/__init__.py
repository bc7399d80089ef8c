"""Tests: the guard of sdk/python, and the client of sdk/js."""

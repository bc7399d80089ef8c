"""Passwords: policy, check, change, reset."""

"""Tests: the OpenID Connect provider."""

"""Userinfo (OpenID Connect Core, 5.3): claims for the bearer of an access token."""

"""The token endpoint (RFC 6749, 3.2): codes and refresh tokens for tokens."""

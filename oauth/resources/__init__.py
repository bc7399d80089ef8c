"""Resources: APIs that take the access tokens of clients (RFC 8707)."""

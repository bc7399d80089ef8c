"""Revocation (RFC 7009) and introspection (RFC 7662) of the tokens of clients."""

"""Keys, tokens, encryption, TOTP and WebAuthn."""

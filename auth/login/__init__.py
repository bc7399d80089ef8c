"""Login: password, second step, passkey, re-authentication, brute-force protection."""

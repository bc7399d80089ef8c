"""Back-channel logout (OpenID Connect Back-Channel Logout 1.0): clients are told of ended sessions."""

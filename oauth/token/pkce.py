"""Proof Key for Code Exchange, method S256 (RFC 7636)."""

import base64
import hmac
import re
from hashlib import sha256

_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def matches(verifier: str, challenge: str) -> bool:
    """Whether the challenge was made of this verifier by S256. A malformed verifier matches none."""
    if not _VERIFIER.fullmatch(verifier):
        return False
    digest = base64.urlsafe_b64encode(sha256(verifier.encode()).digest()).rstrip(b"=")
    return hmac.compare_digest(digest, challenge.encode())

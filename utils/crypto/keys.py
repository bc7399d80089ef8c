"""Key derivation and MACs."""

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@lru_cache(maxsize=64)
def derive_key(secret: str, label: str) -> bytes:
    """Return a 32-byte key for the purpose `label` (HKDF-SHA256, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"auth:{label}".encode()).derive(
        secret.encode()
    )


def mac(key: bytes, *parts: bytes) -> bytes:
    """Return the HMAC-SHA256 of the parts, each prefixed with its length to make the encoding unambiguous."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, message, "sha256")


def verify_mac(given: bytes, keys: Iterable[bytes], *parts: bytes) -> bool:
    """Return whether `given` is the MAC of the parts under any of the keys. Compares in constant time."""
    return any(hmac.compare_digest(given, mac(key, *parts)) for key in keys)


def key_id(key: str) -> str:
    """Return a short public identifier of a key: 12 hex digits of a SHA-256 digest."""
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:12]

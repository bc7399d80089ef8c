"""Keys derived from the one master secret, and digests of things that must not be stored."""

import hashlib
import hmac
from collections.abc import Iterable
from functools import lru_cache

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@lru_cache(maxsize=64)
def derive_key(secret: str, label: str) -> bytes:
    """32 bytes for one purpose (HKDF-SHA256, RFC 5869). Another label gives an unrelated key."""
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=f"auth:{label}".encode()).derive(
        secret.encode()
    )


def mac(key: bytes, *parts: bytes) -> bytes:
    """HMAC-SHA256 over the parts, each with its length, so that none can borrow from its neighbour."""
    message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.digest(key, message, "sha256")


def is_mac(given: bytes, keys: Iterable[bytes], *parts: bytes) -> bool:
    """Whether `given` is the MAC of the parts under any of the keys; each comparison takes constant time."""
    return any(hmac.compare_digest(given, mac(key, *parts)) for key in keys)


def key_id(key: str) -> str:
    """A short public name of a key: it tells keys apart and nothing about them."""
    return hashlib.sha256(b"kid:" + key.encode()).hexdigest()[:12]

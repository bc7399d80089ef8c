"""Sealing: secrets that must be read again, encrypted under a key derived from a master secret."""

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from utils.crypto.keys import derive_key, key_id

_NONCE = 12  # bytes, as NIST SP 800-38D, 8.2 advises; random, so that a key seals 2^32 secrets at most


class Encrypted(NamedTuple):
    """What may be stored: nonce and ciphertext, and the id of the master secret that they belong to."""

    text: bytes
    key_id: str


class DecryptionFailed(Exception):
    """None of the keys opens it: the master secret is gone, or the row was changed."""


def encrypt(master: str, label: str, secret: bytes, *, bound_to: bytes) -> Encrypted:
    """The secret under AES-256-GCM, bound to the row that it belongs to: in another it does not open."""
    nonce = secrets.token_bytes(_NONCE)
    text = AESGCM(derive_key(master, label)).encrypt(nonce, secret, bound_to)
    return Encrypted(nonce + text, key_id(master))


def decrypt(masters: Iterable[str], label: str, sealed: Encrypted, *, bound_to: bytes) -> bytes:
    """The secret, by the master secret that it was sealed under. Raises `SealBroken`."""
    for master in masters:
        if key_id(master) == sealed.key_id:
            try:
                key = AESGCM(derive_key(master, label))
                return key.decrypt(sealed.text[:_NONCE], sealed.text[_NONCE:], bound_to)
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
                raise DecryptionFailed from None
    raise DecryptionFailed

"""Encryption of stored secrets: AES-256-GCM under a key derived from a master secret."""

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from utils.crypto.keys import derive_key, key_id

_NONCE = 12  # bytes (NIST SP 800-38D, 8.2); random, so a key may encrypt at most 2^32 secrets


class Encrypted(NamedTuple):
    """Nonce and ciphertext, and the id of the master secret. Safe to store."""

    text: bytes
    key_id: str


class DecryptionFailed(Exception):
    """No key decrypts the secret: its master secret is missing, or the row was modified."""


def encrypt(master: str, label: str, secret: bytes, *, bound_to: bytes) -> Encrypted:
    """Encrypt a secret. `bound_to` is the associated data: it ties the secret to its row."""
    nonce = secrets.token_bytes(_NONCE)
    text = AESGCM(derive_key(master, label)).encrypt(nonce, secret, bound_to)
    return Encrypted(nonce + text, key_id(master))


def decrypt(masters: Iterable[str], label: str, encrypted: Encrypted, *, bound_to: bytes) -> bytes:
    """Return the secret, decrypted with the master secret of its key id. Raises `DecryptionFailed`."""
    for master in masters:
        if key_id(master) == encrypted.key_id:
            try:
                key = AESGCM(derive_key(master, label))
                return key.decrypt(encrypted.text[:_NONCE], encrypted.text[_NONCE:], bound_to)
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
                raise DecryptionFailed from None
    raise DecryptionFailed

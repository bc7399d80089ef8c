"""Sealing: secrets that must be read again, encrypted under a key derived from a master secret."""

import secrets
from collections.abc import Iterable
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from utils.crypto import derive_key, key_id

_NONCE = 12  # bytes, as NIST SP 800-38D, 8.2 advises; random, so that a key seals 2^32 secrets at most


class Sealed(NamedTuple):
    """What may be stored: nonce and ciphertext, and the id of the master secret that they belong to."""

    text: bytes
    key_id: str


class SealBroken(Exception):
    """None of the keys opens it: the master secret is gone, or somebody changed the row."""


def seal(master: str, label: str, secret: bytes, *, bound_to: bytes) -> Sealed:
    """The secret under AES-256-GCM, bound to the row that it belongs to: in another it does not open."""
    nonce = secrets.token_bytes(_NONCE)
    text = AESGCM(derive_key(master, label)).encrypt(nonce, secret, bound_to)
    return Sealed(nonce + text, key_id(master))


def unseal(masters: Iterable[str], label: str, sealed: Sealed, *, bound_to: bytes) -> bytes:
    """The secret, by the master secret that it was sealed under. Raises `SealBroken`."""
    for master in masters:
        if key_id(master) == sealed.key_id:
            try:
                key = AESGCM(derive_key(master, label))
                return key.decrypt(sealed.text[:_NONCE], sealed.text[_NONCE:], bound_to)
            except (InvalidTag, ValueError):  # ValueError: too short to hold a nonce
                raise SealBroken from None
    raise SealBroken

"""The form of API tokens: a prefix, 190 random bits and a checksum.

    auth_pat_ + 32 of [0-9A-Za-z] + 6 of [0-9A-Za-z]: the CRC-32 of the 32, in base 62, the highest first

Secret scanners find them by `auth_pat_[0-9A-Za-z]{38}`. The checksum detects typing errors without a
statement; it is no protection, as anyone can compute it.
"""

import hashlib
import re
import secrets
import string
import zlib
from typing import NamedTuple

PREFIX = "auth_pat_"
ALPHABET = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM, CHECKSUM = 32, 6  # characters; 62^6 is more than 2^32
SHOWN = 4  # characters at the end that lists show
_FORM = re.compile(rf"{PREFIX}([0-9A-Za-z]{{{RANDOM}}})([0-9A-Za-z]{{{CHECKSUM}}})")


class NewToken(NamedTuple):
    """A new API token: its text, the digest that is stored, and its last characters."""

    text: str
    digest: bytes
    shown: str


def new() -> NewToken:
    """Return a new token, of 190 bits of the operating system's generator."""
    random = "".join(secrets.choice(ALPHABET) for _ in range(RANDOM))
    text = f"{PREFIX}{random}{_checksum(random)}"
    return NewToken(text, _digest(text), text[-SHOWN:])


def has_prefix(token: str) -> bool:
    """Return whether this bearer token is meant to be an API token."""
    return token.startswith(PREFIX)


def digest_of(token: str) -> bytes | None:
    """Return the SHA-256 digest of a well-formed token, or None if its form or checksum is wrong.

    190 random bits cannot be guessed, so that they need no slow hash and no salt.
    """
    found = _FORM.fullmatch(token)
    return _digest(token) if found and _checksum(found[1]) == found[2] else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _checksum(random: str) -> str:
    number, digits = zlib.crc32(random.encode()), ""
    for _ in range(CHECKSUM):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits

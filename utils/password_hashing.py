"""Password hashing with Werkzeug: what is stored, and how a stored hash is judged."""

import logging
import re
import unicodedata

from werkzeug.security import check_password_hash, generate_password_hash

log = logging.getLogger("auth")

# No stored hash may cost more than this: a hostile row must not stop the service.
MAX_SCRYPT_BYTES = 256 * 1024 * 1024
MAX_SCRYPT_PASSES = 16
MAX_PBKDF2_ROUNDS = 5_000_000


class PasswordHasher:
    """Hashes with one method (`scrypt:N:r:p` or `pbkdf2:digest:rounds`), checks any that is in bounds.

    Passwords are brought to NFC first (NIST SP 800-63B-4, 3.1.1.2) and otherwise taken as they come.
    """

    def __init__(self, method: str) -> None:
        self.method = method

    def hash(self, password: str) -> str:
        """A salted hash in Werkzeug's notation."""
        return generate_password_hash(unicodedata.normalize("NFC", password), self.method, salt_length=32)

    def check(self, hashed: str, password: str) -> bool:
        """Whether the password is the one that was hashed; an unreadable hash is a no and a log line.

        A no costs one hash in every case, so that time tells nothing about the row.
        """
        if _is_in_bounds(hashed):
            try:
                return check_password_hash(hashed, unicodedata.normalize("NFC", password))
            except ValueError:  # within our bounds, but not within those of OpenSSL
                pass
        log.error("a stored password hash is unreadable or too costly")
        self.hash(password)
        return False

    def is_outdated(self, hashed: str) -> bool:
        """Whether the hash was made with another method or cost than the one in force."""
        return hashed.partition("$")[0] != self.method


def _is_in_bounds(hashed: str) -> bool:
    found = re.fullmatch(
        r"(?:scrypt:(\d{1,9}):(\d{1,4}):(\d{1,4})|pbkdf2:sha(?:256|512):(\d{1,9}))\$[^$]+\$[0-9a-f]+", hashed
    )
    if not found:
        return False
    cost, blocks, passes, rounds = (int(group or 0) for group in found.groups())
    if rounds:
        return rounds <= MAX_PBKDF2_ROUNDS
    if cost < 2 or cost.bit_count() != 1 or not blocks or not 1 <= passes <= MAX_SCRYPT_PASSES:
        return False
    return 128 * cost * blocks <= MAX_SCRYPT_BYTES

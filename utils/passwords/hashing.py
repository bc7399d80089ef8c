"""Password hashing with Werkzeug."""

import logging
import unicodedata

from werkzeug.security import check_password_hash, generate_password_hash

from config_values import is_bounded_method

log = logging.getLogger("auth")


class PasswordHasher:
    """Hashes with one method (`scrypt:N:r:p` or `pbkdf2:digest:rounds`); verifies any with bounded cost.

    Passwords are normalized to NFC (NIST SP 800-63B-4, 3.1.1.2) and otherwise used unmodified.
    """

    def __init__(self, method: str) -> None:
        self.method = method

    def hash(self, password: str) -> str:
        """Return a salted hash in Werkzeug's format."""
        return generate_password_hash(unicodedata.normalize("NFC", password), self.method, salt_length=32)

    def check(self, hashed: str, password: str) -> bool:
        """Return whether the password matches the hash. An unreadable hash is logged and returns False.

        False takes the time of one hash in every case, so that timing does not reveal unreadable hashes.
        """
        if _is_in_bounds(hashed):
            try:
                is_right = check_password_hash(hashed, unicodedata.normalize("NFC", password))
            except ValueError:  # OpenSSL has narrower bounds
                pass
            else:
                # HMAC pads keys with NUL bytes: trailing ones in the password would be ignored.
                return is_right and not password.endswith("\0")
        log.error("a stored password hash is unreadable or too costly")
        self.hash(password)
        return False

    def is_readable(self, hashed: str) -> bool:
        """Return whether `check` accepts the format, method and cost of this hash. Computes one hash."""
        if not _is_in_bounds(hashed):
            return False
        try:
            check_password_hash(hashed, "")
        except ValueError:
            return False
        return True

    def is_outdated(self, hashed: str) -> bool:
        """Return whether the hash has another method or cost than the configured one."""
        return hashed.partition("$")[0] != self.method


def _is_in_bounds(hashed: str) -> bool:
    method, *rest = hashed.split("$")
    return len(rest) == 2 and all(rest) and is_bounded_method(method)

"""Password hashing with Werkzeug, and the check of hashes that other systems made."""

import logging
import re
import secrets
import time
import unicodedata
from collections import deque
from collections.abc import Callable

from argon2.exceptions import HashingError
from werkzeug.security import check_password_hash, generate_password_hash

from config_values import is_bounded_method
from utils.passwords import foreign_hashes
from utils.passwords.foreign_schemes import FindKey
from utils.passwords.project_keys import ProjectKey

log = logging.getLogger("auth")

KEPT_TIMES = 32  # of the last hashes


class PasswordHasher:
    """Hashes with one method (`scrypt:N:r:p` or `pbkdf2:digest:rounds`); verifies any with bounded cost.

    Passwords are normalized to NFC (NIST SP 800-63B-4, 3.1.1.2) and otherwise used unmodified. Hashes of
    other systems are checked with the password as it was received. `find_key` returns the key of a project
    by its id, for the kinds that need one.
    """

    def __init__(
        self,
        method: str,
        find_key: FindKey | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.method = method
        self._find_key, self._sleep = find_key or _no_key, sleep
        self._times = deque[float](maxlen=KEPT_TIMES)  # seconds of hashes of this method

    def hash(self, password: str) -> str:
        """Return a salted hash in Werkzeug's format."""
        began = time.perf_counter()
        hashed = generate_password_hash(unicodedata.normalize("NFC", password), self.method, salt_length=32)
        self._times.append(time.perf_counter() - began)
        return hashed

    def check(self, hashed: str, password: str) -> bool:
        """Return whether the password matches the hash. An unreadable hash is logged and returns False.

        False takes the time of one hash of the configured method, also for an unreadable hash, so that timing
        reveals neither. A hash of Werkzeug's with another cost takes its own time, and one of another system
        that costs more takes longer.
        """
        try:
            if is_in_bounds(hashed):
                return self._check_own(hashed, password)
            return self._check_foreign(hashed, password)
        except (ValueError, HashingError):  # of another kind; or OpenSSL or Argon2 have narrower bounds
            log.error("a stored password hash is unreadable or too costly")  # noqa: TRY400  (it has the hash)
            self.hash(password)
            return False

    def is_readable(self, hashed: str) -> bool:
        """Return whether `check` accepts the format, method and cost of this hash. Computes one hash."""
        try:
            if is_in_bounds(hashed):
                check_password_hash(hashed, "")
            else:
                foreign_hashes.read(hashed, self._find_key).matches("")
        except (ValueError, HashingError):
            return False
        return True

    def is_outdated(self, hashed: str) -> bool:
        """Return whether the hash has another method or cost than the configured one."""
        return hashed.partition("$")[0] != self.method

    def _check_own(self, hashed: str, password: str) -> bool:
        began = time.perf_counter()
        is_right = check_password_hash(hashed, unicodedata.normalize("NFC", password))
        if not self.is_outdated(hashed):
            self._times.append(time.perf_counter() - began)
        # HMAC pads keys with NUL bytes: trailing ones in the password would be ignored.
        return is_right and not password.endswith("\0")

    def _check_foreign(self, hashed: str, password: str) -> bool:
        """Check a hash of another system. A refusal takes at least as long as one of the last own hashes."""
        began = time.perf_counter()
        is_right = foreign_hashes.read(hashed, self._find_key).matches(password)
        if is_right:
            return True
        if self._times:
            usual = secrets.choice([*self._times])
            self._sleep(max(0.0, usual - (time.perf_counter() - began)))
        else:
            self.hash(password)
        return False


def is_in_bounds(hashed: str) -> bool:
    """Return whether this is a hash in Werkzeug's format, of a method and a cost that are accepted."""
    method, *rest = hashed.split("$")
    return len(rest) == 2 and is_bounded_method(method) and _is_salt_and_digest(method, *rest)


def _is_salt_and_digest(method: str, salt: str, digest: str) -> bool:
    """Return whether these are printable ASCII and the whole digest of the method in hexadecimal."""
    length = 64 if method.startswith("pbkdf2:sha256") else 128
    return re.fullmatch(r"[!-~]{1,128}", salt) is not None and (
        re.fullmatch(f"[0-9a-f]{{{length}}}", digest) is not None
    )


def _no_key(_: str) -> ProjectKey | None:
    return None

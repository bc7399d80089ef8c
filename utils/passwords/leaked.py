"""Leak check: looks passwords up by the range protocol of Have I Been Pwned (ASVS 6.2.12).

Five of the forty hex digits of the password's SHA-1 digest are sent and the rest is compared here, so that
the server learns neither the password nor its digest (k-anonymity). If it does not answer in time, the
password counts as not leaked: an outage of that server must not prevent registrations.
"""

import hashlib
import logging
import re
import socket
import unicodedata

from utils.observability.metrics import Metrics
from utils.outgoing import CallFailed, Endpoint, Resolve

log = logging.getLogger("auth")

DEADLINE = 1.0  # seconds in total, apart from the DNS lookup
MAX_ANSWER = 1024 * 1024
PREFIX = 5  # hex digits
ENTRY = re.compile(r"([0-9A-Fa-f]{35}):([0-9]{1,12})")


class LeakedPasswords:
    """A server of leaked passwords. The first digits are appended to its URL (`https://.../range/`)."""

    def __init__(
        self,
        url: str,
        metrics: Metrics,
        *,
        deadline: float = DEADLINE,
        resolve: Resolve = socket.getaddrinfo,
    ) -> None:
        self._server = Endpoint(url, deadline=deadline, max_answer=MAX_ANSWER, resolve=resolve)
        self._metrics = metrics

    def has(self, password: str, /) -> bool:
        """Return whether the password is known to be leaked; False if the lookup fails."""
        # The protocol requires SHA-1; it protects nothing here.
        whole = hashlib.sha1(unicodedata.normalize("NFC", password).encode(), usedforsecurity=False)
        digest = whole.hexdigest().upper()
        try:
            # Padding hides the number of entries from an observer of the response's length.
            body = self._server.ask("GET", digest[:PREFIX], headers={"Add-Padding": "true"})
            found = _is_listed(body, digest[PREFIX:])
        except CallFailed as problem:
            log.warning("leaked passwords not asked", extra={"error": str(problem)})
            self._metrics.leak_checks.labels("failed").inc()
            return False
        self._metrics.leak_checks.labels("leaked" if found else "clean").inc()
        return found


class NoLeakCheck:
    """Looks nothing up, if `LEAKED_PASSWORDS_URL` is not set."""

    def has(self, _password: str, /) -> bool:
        return False


def _is_listed(body: bytes, suffix: str) -> bool:
    """Return whether a line `SUFFIX:COUNT` has this suffix. Raises `CallFailed`."""
    found = False
    for line in body.decode("ascii", "replace").split():
        entry = ENTRY.fullmatch(line)
        if entry is None:
            raise CallFailed("no list")
        found |= entry[1].upper() == suffix and int(entry[2]) > 0  # padding has a count of 0
    return found

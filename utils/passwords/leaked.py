"""Leak check: looks passwords up by the range protocol of Have I Been Pwned (ASVS 6.2.12).

Five of the forty hex digits of the password's SHA-1 digest are sent and the rest is compared here, so that
the server learns neither the password nor its digest (k-anonymity). If it does not answer in time, the
password counts as not leaked: an outage of that server must not prevent registrations.
"""

import contextlib
import hashlib
import http.client
import logging
import os
import re
import socket
import ssl
import time
import unicodedata
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore, Timer
from typing import Any
from urllib.parse import urlsplit

from utils.observability.metrics import Metrics

log = logging.getLogger("auth")

DEADLINE = 1.0  # seconds in total, apart from the DNS lookup
MAX_ANSWER = 1024 * 1024
PREFIX = 5  # hex digits
ENTRY = re.compile(r"([0-9A-Fa-f]{35}):([0-9]{1,12})")

Resolve = Callable[..., list[Any]]

MAX_CONCURRENT = 8  # lookups per process; a password beyond that is not looked up


class _LookupFailedError(Exception):
    """The lookup failed. The text is safe to log."""


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
        parts = urlsplit(url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._path = parts.hostname or "", parts.path
        self._port = parts.port or (443 if self._tls else 80)
        self._metrics, self._deadline, self._resolve = metrics, deadline, resolve
        self._slots = BoundedSemaphore(MAX_CONCURRENT)

    def has(self, password: str, /) -> bool:
        """Return whether the password is known to be leaked; False if the lookup fails."""
        # The protocol requires SHA-1; it protects nothing here.
        whole = hashlib.sha1(unicodedata.normalize("NFC", password).encode(), usedforsecurity=False)
        digest = whole.hexdigest().upper()
        try:
            with self._slot():
                found = _is_listed(self._fetched(digest[:PREFIX]), digest[PREFIX:])
        except (OSError, http.client.HTTPException, ValueError, _LookupFailedError) as problem:
            kind = str(problem) if isinstance(problem, _LookupFailedError) else type(problem).__name__
            log.warning("leaked passwords not asked", extra={"error": kind})
            self._metrics.leak_checks.labels("failed").inc()
            return False
        self._metrics.leak_checks.labels("leaked" if found else "clean").inc()
        return found

    @contextlib.contextmanager
    def _slot(self) -> Iterator[None]:
        """Limit the lookups at once: a slow server must not occupy all threads."""
        if not self._slots.acquire(blocking=False):
            raise _LookupFailedError("too many at once")
        try:
            yield
        finally:
            self._slots.release()

    def _fetched(self, prefix: str) -> str:
        """Return the response body. Does not follow redirects."""
        deadline = time.monotonic() + self._deadline
        connection = (
            http.client.HTTPSConnection(self._host, self._port, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port)
        )
        sock = self._connected(deadline)
        connection.sock = sock
        with contextlib.closing(connection), _cut_off_after(deadline - time.monotonic(), sock.fileno()):
            if self._tls:
                connection.sock = self._tls.wrap_socket(sock, server_hostname=self._host)
            connection.sock.settimeout(self._deadline)
            # Padding hides the number of entries from an observer of the response's length.
            connection.request("GET", self._path + prefix, headers={"Add-Padding": "true"})
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise _LookupFailedError(f"status {response.status}")
            body = response.read(MAX_ANSWER + 1)
        if len(body) > MAX_ANSWER:
            raise _LookupFailedError("too long")
        if time.monotonic() >= deadline:
            raise _LookupFailedError("too late")
        if response.length:  # the body is shorter than Content-Length
            raise _LookupFailedError("cut short")
        return body.decode("ascii")

    def _connected(self, deadline: float) -> socket.socket:
        """Connect to the first reachable address of the host; each may take a third of the time."""
        problem: OSError = TimeoutError()
        for *_, address in self._resolve(self._host, self._port, type=socket.SOCK_STREAM):
            left = deadline - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection(address[:2], min(left, self._deadline / 3))
            except OSError as fault:
                problem = fault
        raise problem


@contextlib.contextmanager
def _cut_off_after(seconds: float, descriptor: int) -> Iterator[None]:
    """Close the connection of this descriptor after so many seconds, even if data is still arriving."""
    sock = socket.socket(fileno=os.dup(descriptor))

    def cut_off() -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut_off)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        sock.close()


class NoLeakCheck:
    """Looks nothing up, if `LEAKED_PASSWORDS_URL` is not set."""

    def has(self, _password: str, /) -> bool:
        return False


def _is_listed(response: str, suffix: str) -> bool:
    """Return whether a line `SUFFIX:COUNT` has this suffix. Raises `_LookupFailedError`."""
    found = False
    for line in response.split():
        entry = ENTRY.fullmatch(line)
        if entry is None:
            raise _LookupFailedError("no list")
        found |= entry[1].upper() == suffix and int(entry[2]) > 0  # padding has a count of 0
    return found

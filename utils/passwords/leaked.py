"""Whether a password is in a collection of leaked ones, by the range protocol of Have I Been Pwned.

Five of forty hex digits of the password's SHA-1 are sent, and the rest is compared here, so that the
collection learns neither the password nor its digest (k-anonymity). Without an answer in time
the password counts as not leaked: an outage of that service must not stop registrations.
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

DEADLINE = 1.0  # seconds in all, but for what the system takes to find the host's address
MAX_ANSWER = 1024 * 1024
PREFIX = 5  # hex digits
ENTRY = re.compile(r"([0-9A-Fa-f]{35}):([0-9]{1,12})")

Resolve = Callable[..., list[Any]]

PLACES = 8  # questions of a process at once; who finds none is not asked about


class _NoListError(Exception):
    """An answer that tells nothing of the password; its text is safe to log."""


class LeakedPasswords:
    """A collection under a URL to which the first digits are added, such as `https://.../range/`."""

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
        self._places = BoundedSemaphore(PLACES)

    def has(self, password: str, /) -> bool:
        """Whether it is in the collection; False also where that cannot be found out in time."""
        # A digest that the protocol prescribes, and that protects nothing here.
        whole = hashlib.sha1(unicodedata.normalize("NFC", password).encode(), usedforsecurity=False)
        digest = whole.hexdigest().upper()
        try:
            with self._place():
                found = _is_listed(self._asked(digest[:PREFIX]), digest[PREFIX:])
        except (OSError, http.client.HTTPException, ValueError, _NoListError) as problem:
            kind = str(problem) if isinstance(problem, _NoListError) else type(problem).__name__
            log.warning("leaked passwords not asked", extra={"error": kind})
            self._metrics.leak_checks.labels("failed").inc()
            return False
        self._metrics.leak_checks.labels("leaked" if found else "clean").inc()
        return found

    @contextlib.contextmanager
    def _place(self) -> Iterator[None]:
        """One of few: a collection that does not answer must not take the threads of everybody else."""
        if not self._places.acquire(blocking=False):
            raise _NoListError("too many at once")
        try:
            yield
        finally:
            self._places.release()

    def _asked(self, prefix: str) -> str:
        """What the collection answers; redirects are not followed."""
        ends = time.monotonic() + self._deadline
        connection = (
            http.client.HTTPSConnection(self._host, self._port, context=self._tls)
            if self._tls
            else http.client.HTTPConnection(self._host, self._port)
        )
        wire = self._connected(ends)
        connection.sock = wire
        with contextlib.closing(connection), _cut_off_after(ends - time.monotonic(), wire.fileno()):
            if self._tls:
                connection.sock = self._tls.wrap_socket(wire, server_hostname=self._host)
            connection.sock.settimeout(self._deadline)
            # Padding hides the number of entries from an observer of the answer's length.
            connection.request("GET", self._path + prefix, headers={"Add-Padding": "true"})
            answer = connection.getresponse()
            if answer.status != http.client.OK:
                raise _NoListError(f"status {answer.status}")
            said = answer.read(MAX_ANSWER + 1)
        if len(said) > MAX_ANSWER:
            raise _NoListError("too long")
        if time.monotonic() >= ends:
            raise _NoListError("too late")
        if answer.length:  # bytes that were announced and did not come
            raise _NoListError("cut short")
        return said.decode("ascii")

    def _connected(self, ends: float) -> socket.socket:
        """A connection to the first address of the host that takes it, in a third of the time at most."""
        problem: OSError = TimeoutError()
        for *_, address in self._resolve(self._host, self._port, type=socket.SOCK_STREAM):
            left = ends - time.monotonic()
            if left <= 0:
                break
            try:
                return socket.create_connection(address[:2], min(left, self._deadline / 3))
            except OSError as fault:
                problem = fault
        raise problem


@contextlib.contextmanager
def _cut_off_after(seconds: float, descriptor: int) -> Iterator[None]:
    """End the connection of this descriptor after a while, however slowly it goes on answering."""
    wire = socket.socket(fileno=os.dup(descriptor))

    def cut_off() -> None:
        with contextlib.suppress(OSError):
            wire.shutdown(socket.SHUT_RDWR)

    alarm = Timer(seconds, cut_off)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()
        wire.close()


class NoCollection:
    """Where none is set: nothing is asked."""

    def has(self, _password: str, /) -> bool:
        return False


def _is_listed(answer: str, suffix: str) -> bool:
    """Whether a line `SUFFIX:COUNT` is that one. Raises `_NoListError` for what is no such list."""
    found = False
    for line in answer.split():
        entry = ENTRY.fullmatch(line)
        if entry is None:
            raise _NoListError("no list")
        found |= entry[1].upper() == suffix and int(entry[2]) > 0  # padding counts nothing
    return found

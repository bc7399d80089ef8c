"""Whether a password is in a collection of leaked ones, by the range protocol of Have I Been Pwned.

Five of forty hex digits of the password's SHA-1 are sent, and the rest is compared here, so that the
collection learns neither the password nor its digest (k-anonymity). Without an answer in time
the password counts as not leaked: nobody is kept out because another service is away.
"""

import contextlib
import hashlib
import http.client
import logging
import os
import socket
import time
import unicodedata
from collections.abc import Iterator
from threading import Timer
from urllib.parse import urlsplit

from utils.metrics import Metrics

log = logging.getLogger("auth")

DEADLINE = 1.0  # seconds in all, but for what the system takes to find the host's address
MAX_ANSWER = 1024 * 1024
PREFIX = 5  # hex digits


class LeakedPasswords:
    """A collection under a URL to which the first digits are added, such as `https://.../range/`."""

    def __init__(self, url: str, metrics: Metrics, deadline: float = DEADLINE) -> None:
        self._parts, self._metrics, self._deadline = urlsplit(url), metrics, deadline

    def has(self, password: str) -> bool:
        """Whether it is in the collection; False also where that cannot be found out in time."""
        # A digest that the protocol prescribes, and that protects nothing here.
        whole = hashlib.sha1(unicodedata.normalize("NFC", password).encode(), usedforsecurity=False)
        digest = whole.hexdigest().upper()
        try:
            found = _is_listed(self._asked(digest[:PREFIX]), digest[PREFIX:])
        except (OSError, http.client.HTTPException, ValueError) as problem:
            log.warning("leaked passwords not asked", extra={"error": type(problem).__name__})
            self._metrics.leak_checks.labels("failed").inc()
            return False
        self._metrics.leak_checks.labels("leaked" if found else "clean").inc()
        return found

    def _asked(self, prefix: str) -> str:
        """What the collection answers; redirects are not followed."""
        ends = time.monotonic() + self._deadline
        secure = self._parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        # A third of the time each, at most, for the connection and for TLS.
        connection = kind(self._parts.hostname or "", self._parts.port, timeout=self._deadline / 3)
        with contextlib.closing(connection):
            connection.connect()
            with _cut_off_after(ends - time.monotonic(), connection.sock.fileno()):
                connection.sock.settimeout(self._deadline)
                # Padding hides the number of entries from whoever watches the length of the answer.
                connection.request("GET", self._parts.path + prefix, headers={"Add-Padding": "true"})
                answer = connection.getresponse()
                said = answer.read(MAX_ANSWER + 1)
        if answer.status != http.client.OK or len(said) > MAX_ANSWER or time.monotonic() >= ends:
            raise ValueError("no list")
        return said.decode("ascii")


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

    def has(self, password: str) -> bool:  # noqa: ARG002
        return False


def _is_listed(answer: str, suffix: str) -> bool:
    """Whether a line `SUFFIX:COUNT` is that one. Raises `ValueError` for what is no such list."""
    counts = dict[str, int]()
    for line in answer.split():
        tail, _, count = line.partition(":")
        counts[tail.upper()] = int(count)
    return counts.get(suffix, 0) > 0  # padding counts nothing

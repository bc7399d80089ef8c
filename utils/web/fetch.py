"""One way out to addresses that others choose: calls of servers that an operator or a client has named.

The name is resolved once. Only public addresses are connected to, and those that `Reachable` allows; the
connection is to the very address that was checked, so that a second answer of the name server changes nothing
(DNS rebinding). No redirects, no cookies, no proxy of the environment. A failure tells its kind only.
"""

import http.client
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from functools import cached_property
from threading import BoundedSemaphore, Event, Thread
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from utils.outgoing import Answer, Call, CallFailed, Resolve, connected, exchanged
from utils.web.public_addresses import Reachable

DEADLINE = 5.0  # seconds for everything
MAX_ANSWER = 64 * 1024  # bytes
MAX_URL = 2048
MAX_LOOKUPS = 4  # at once: a name server that does not answer must not take every thread
_URL = re.compile(r"[\x21-\x7E]+")
_HOST = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?\.?|[0-9a-f:.]+")

Connect = Callable[[Sequence[tuple[str, int]], float], socket.socket]


class Kind(StrEnum):
    """What went wrong with a call. Nothing else of it is told (ASVS 16.5.1)."""

    URL = "the address is not one of https, or of http in a private network"
    NAME = "the name was not found"
    REFUSED = "the address is not public"
    CONNECTION = "no connection"
    CERTIFICATE = "the certificate is not valid for the name"
    TIMEOUT = "no answer in time"
    ANSWER = "the answer is not valid"
    STATUS = "the status is an error or a redirect"
    BUSY = "too many calls at once"


class FetchFailed(CallFailed):
    """The call failed, for a reason of this kind."""

    def __init__(self, kind: Kind) -> None:
        super().__init__(kind.value)
        self.kind = kind


class _Target(NamedTuple):
    is_tls: bool
    host: str
    port: int
    path: str


class Fetcher:
    """Calls servers under names that others choose."""

    def __init__(
        self,
        reachable: Reachable,
        *,
        resolve: Resolve = socket.getaddrinfo,
        connect: Connect = connected,
        tls: ssl.SSLContext | None = None,
        deadline: float = DEADLINE,
    ) -> None:
        """`deadline` is in seconds, for the lookup of the name as well."""
        self._reachable, self._resolve, self._connect = reachable, resolve, connect
        self._given_tls, self._deadline = tls, deadline
        self._lookups = BoundedSemaphore(MAX_LOOKUPS)

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """The TLS context. Made at the first use: the certificates of the system are read in 25 ms."""
        return self._given_tls or ssl.create_default_context()

    def ask(
        self,
        method: str,
        url: str,
        *,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
        expected: Sequence[int] = (http.client.OK,),
        max_answer: int = MAX_ANSWER,
    ) -> bytes:
        """Return the body of an answer with an expected status. Raises `FetchFailed`."""
        deadline = time.monotonic() + self._deadline
        target = _target(url)
        addresses = self._addresses(target, deadline)
        call = Call(
            host=target.host,
            port=target.port,
            tls=self._tls if target.is_tls else None,
            method=method,
            target=target.path,
            body=body,
            headers=dict(headers or {}),
            deadline=deadline,
            max_answer=max_answer,
            expected=expected,
        )
        answer = self._answer(call, addresses)
        if answer.status not in expected:
            raise FetchFailed(Kind.STATUS)
        return answer.body

    def _addresses(self, target: _Target, deadline: float) -> list[tuple[str, int]]:
        """Return the addresses of a host that may be connected to."""
        found = self._looked_up(target, deadline)
        allowed = [address for address in found if self._reachable.allows(address[0])]
        if not allowed:
            raise FetchFailed(Kind.REFUSED if found else Kind.NAME)
        if not target.is_tls:
            allowed = [address for address in allowed if self._reachable.is_private(address[0])]
        if not allowed:
            raise FetchFailed(Kind.URL)
        return allowed

    def _looked_up(self, target: _Target, deadline: float) -> list[tuple[str, int]]:
        """Resolve the name in a thread: the resolver of the system has no deadline."""
        found: list[list[Any]] = []
        done = Event()

        def look_up() -> None:
            try:
                found.append(self._resolve(target.host, target.port, type=socket.SOCK_STREAM))
            except (OSError, ValueError):  # UnicodeError is a ValueError
                pass
            finally:
                self._lookups.release()
                done.set()

        if not self._lookups.acquire(blocking=False):
            raise FetchFailed(Kind.BUSY)
        try:
            Thread(target=look_up, name="name-lookup", daemon=True).start()
        except RuntimeError:
            self._lookups.release()
            raise FetchFailed(Kind.BUSY) from None
        if not done.wait(max(deadline - time.monotonic(), 0.0)):
            raise FetchFailed(Kind.TIMEOUT)
        return [(address[0], target.port) for *_, address in (found[0] if found else [])]

    def _answer(self, call: Call, addresses: Sequence[tuple[str, int]]) -> Answer:
        try:
            return exchanged(call, self._connect(addresses, call.deadline))
        except ssl.SSLCertVerificationError:
            kind = Kind.CERTIFICATE
        except TimeoutError:
            kind = Kind.TIMEOUT
        except (OSError, RuntimeError):
            kind = Kind.CONNECTION
        except (CallFailed, http.client.HTTPException, ValueError):
            kind = Kind.ANSWER
        late = time.monotonic() >= call.deadline  # the connection was cut off
        raise FetchFailed(Kind.TIMEOUT if late else kind)


def _target(url: str) -> _Target:
    """Return the parts of a URL. Raises `FetchFailed` for one that no browser would show as it is meant."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise FetchFailed(Kind.URL) from None
    host = parts.hostname or ""
    is_clean = len(url) <= MAX_URL and _URL.fullmatch(url) and "\\" not in url and "#" not in url
    if not is_clean or parts.scheme not in {"http", "https"} or "@" in parts.netloc:
        raise FetchFailed(Kind.URL)
    if not _HOST.fullmatch(host) or port == 0:
        raise FetchFailed(Kind.URL)
    is_tls = parts.scheme == "https"
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Target(is_tls, host, port or (443 if is_tls else 80), path)

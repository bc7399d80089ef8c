"""Calls of other servers over HTTP: bounded in time, in the size of the answer, and in number at once."""

import contextlib
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from threading import BoundedSemaphore, Timer
from typing import Any, NamedTuple
from urllib.parse import urlsplit

MAX_CONCURRENT = 8  # calls per process and endpoint: a slow server must not occupy all threads

Resolve = Callable[..., list[Any]]


class CallFailed(Exception):
    """The call failed. The text is safe to log."""


class Answer(NamedTuple):
    """The answer of a server; the body is empty unless the status is one that was expected."""

    status: int
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request to a server, whose certificate must be for its name. `deadline` is monotonic time."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    method: str
    target: str
    body: str | None
    headers: Mapping[str, str]
    deadline: float
    max_answer: int  # bytes
    expected: Sequence[int] = field(default=(http.client.OK,))


class Endpoint:
    """A URL of the settings, to which paths may be appended. Certificates are verified."""

    def __init__(
        self, url: str, *, deadline: float, max_answer: int, resolve: Resolve = socket.getaddrinfo
    ) -> None:
        """`deadline` is in seconds, for all but the DNS lookup; `max_answer` in bytes."""
        parts = urlsplit(url)
        self._tls = ssl.create_default_context() if parts.scheme == "https" else None
        self._host, self._path = parts.hostname or "", parts.path or "/"
        self._port = parts.port or (443 if self._tls else 80)
        self._deadline, self._max_answer, self._resolve = deadline, max_answer, resolve
        self._slots = BoundedSemaphore(MAX_CONCURRENT)

    def ask(
        self,
        method: str,
        path: str = "",
        *,
        body: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> bytes:
        """Return the body of a 200. Does not follow redirects. Raises `CallFailed`."""
        if not self._slots.acquire(blocking=False):
            raise CallFailed("too many at once")
        try:
            return self._asked(method, self._path + path, body, dict(headers or {}))
        except (OSError, http.client.HTTPException, ValueError, RuntimeError) as problem:
            raise CallFailed(type(problem).__name__) from None
        finally:
            self._slots.release()

    def _asked(self, method: str, path: str, body: str | None, headers: dict[str, str]) -> bytes:
        call = Call(
            host=self._host,
            port=self._port,
            tls=self._tls,
            method=method,
            target=path,
            body=body,
            headers=headers,
            deadline=time.monotonic() + self._deadline,
            max_answer=self._max_answer,
        )
        found = self._resolve(self._host, self._port, type=socket.SOCK_STREAM)
        answer = exchanged(call, connected([address[:2] for *_, address in found], call.deadline))
        if answer.status != http.client.OK:
            raise CallFailed(f"status {answer.status}")
        return answer.body


def connected(addresses: Sequence[tuple[str, int]], deadline: float) -> socket.socket:
    """Connect to the first reachable address; each may take a third of the time that is left at first."""
    problem: OSError = TimeoutError()
    share = (deadline - time.monotonic()) / 3
    for address in addresses:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        try:
            return socket.create_connection(address, min(left, share))
        except OSError as fault:
            problem = fault
    raise problem


def exchanged(call: Call, sock: socket.socket) -> Answer:
    """Send the request over this connection and return the answer. Does not follow redirects.

    Raises `CallFailed` for an answer that is too long, too late or cut short, and `OSError`, `HTTPException`,
    `ValueError` or `RuntimeError` of the connection.
    """
    connection = (
        http.client.HTTPSConnection(call.host, call.port, context=call.tls)
        if call.tls
        else http.client.HTTPConnection(call.host, call.port)
    )
    connection.sock = sock
    with contextlib.closing(connection), _cut_off_after(call.deadline - time.monotonic(), sock.fileno()):
        if call.tls:
            connection.sock = call.tls.wrap_socket(sock, server_hostname=call.host)
        connection.sock.settimeout(max(call.deadline - time.monotonic(), 0.001))
        connection.request(call.method, call.target, call.body, dict(call.headers))
        response = connection.getresponse()
        if response.status not in call.expected:
            return Answer(response.status, b"")
        body = response.read(call.max_answer + 1)
    if len(body) > call.max_answer:
        raise CallFailed("too long")
    if time.monotonic() >= call.deadline:
        raise CallFailed("too late")
    if response.length:  # the body is shorter than Content-Length
        raise CallFailed("cut short")
    return Answer(response.status, body)


@contextlib.contextmanager
def _cut_off_after(seconds: float, descriptor: int) -> Iterator[None]:
    """Close the connection of this descriptor after so many seconds, even if data is still arriving."""
    sock = socket.socket(fileno=os.dup(descriptor))

    def cut_off() -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)

    timer = Timer(seconds, cut_off)
    timer.daemon = True
    try:
        timer.start()  # RuntimeError without memory for a thread
        yield
    finally:
        timer.cancel()
        sock.close()

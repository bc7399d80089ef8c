"""Calls of other servers over HTTP: bounded in time, in the size of the answer, and in number at once."""

import contextlib
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from threading import BoundedSemaphore, Timer
from typing import Any
from urllib.parse import urlsplit

MAX_CONCURRENT = 8  # calls per process and endpoint: a slow server must not occupy all threads

Resolve = Callable[..., list[Any]]


class CallFailed(Exception):
    """The call failed. The text is safe to log."""


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
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise CallFailed(f"status {response.status}")
            answer = response.read(self._max_answer + 1)
        if len(answer) > self._max_answer:
            raise CallFailed("too long")
        if time.monotonic() >= deadline:
            raise CallFailed("too late")
        if response.length:  # the body is shorter than Content-Length
            raise CallFailed("cut short")
        return answer

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
    try:
        timer.start()  # RuntimeError without memory for a thread
        yield
    finally:
        timer.cancel()
        sock.close()

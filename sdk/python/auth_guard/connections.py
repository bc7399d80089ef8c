"""Kept connections to the service, whose answers have a time limit and a size."""

import contextlib
import os
import re
import selectors
import socket
import ssl
import time
from collections import deque
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import urlsplit

MAX_BODY, MAX_KEPT, MAX_AGE = 64 * 1024, 8, 60.0  # bytes of a body, idle connections, seconds of a connection
KNOWN = {204, 401, 403}  # after another status it is not known what else a connection holds
LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1")
NONCE = "X-Auth-Nonce"  # the service returns it: without it, an answer is that to another question
Kept = tuple[int, float, HTTPConnection]  # process, time of opening
Call = tuple[str, str, str | None, dict[str, str]]  # method, path, body, headers


class Connections:
    """Connections to one server, for threads and forks. No redirect is followed; a call may be made twice."""

    def __init__(self, service: str, timeout: float, *, allow_plain_http: bool) -> None:
        """`timeout` is in seconds: to connect to each address of the host, and for the answer. As `Guard`."""
        url = urlsplit(service)
        if url.scheme not in {"http", "https"} or not url.hostname or set(service) & set("@?# "):
            raise ValueError("the URL is http:// or https:// and a host, without user, query or fragment")
        if url.scheme == "http" and not (allow_plain_http or LOOPBACK.fullmatch(url.hostname)):
            raise ValueError("tokens would cross a network unencrypted: use https, or allow_plain_http=True")
        tls = {"context": ssl.create_default_context()} if url.scheme == "https" else {}
        kind: Any = HTTPSConnection if tls else HTTPConnection
        self._new = partial(kind, url.hostname, url.port, timeout=timeout, **tls)
        self._path, self._timeout, self._idle = url.path.rstrip("/"), timeout, deque[Kept]()

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None, most: int = MAX_BODY
    ) -> tuple[HTTPResponse, bytes]:
        """Return an answer and its body, cut off after `most` bytes. Raises `OSError` or `HTTPException`."""
        call = (method, self._path + path, body, headers)
        deadline = time.monotonic() + self._timeout
        if kept := self._kept():
            try:
                return self._ask(kept, call, deadline, most)
            except (ConnectionError, ssl.SSLError):  # closed meanwhile, or out of step: ask once more
                self.close()
        return self._ask((os.getpid(), time.monotonic(), self._new()), call, deadline, most)

    def close(self) -> None:
        """Close all idle connections."""
        while kept := self._kept():
            kept[-1].close()

    def _kept(self) -> Kept | None:
        with contextlib.suppress(IndexError):
            while True:
                process, opened_at, connection = kept = self._idle.pop()
                with selectors.DefaultSelector() as selector:  # readable: closed, or not asked for
                    selector.register(connection.sock, selectors.EVENT_READ)
                    is_usable = not selector.select(0) and process == os.getpid()
                if is_usable and time.monotonic() - opened_at < MAX_AGE:
                    return kept
                connection.close()
        return None

    def _ask(self, kept: Kept, call: Call, deadline: float, most: int) -> tuple[HTTPResponse, bytes]:
        connection, is_complete, nonce = kept[-1], False, call[-1].get(NONCE)
        connection.response_class = partial(_response, deadline)  # type: ignore[assignment]  # a class is declared
        try:
            connection.request(*call)
            with connection.getresponse() as answer:
                body = answer.read(most)
                if nonce and answer.status in KNOWN and answer.headers.get_all(NONCE) != [nonce]:
                    raise ConnectionError
                is_complete = answer.isclosed() and answer.status in KNOWN
            return answer, body
        finally:
            if is_complete and connection.sock and len(self._idle) < MAX_KEPT:
                self._idle.append(kept)
            else:
                connection.close()


def _response(deadline: float, sock: socket.socket, **more: Any) -> HTTPResponse:
    """Return a response that is read until the deadline, however slowly it arrives."""
    answer = HTTPResponse(sock, **more)
    received: Any = answer.fp.raw

    def readinto(buffer: Any) -> Any:
        sock.settimeout(max(deadline - time.monotonic(), 1e-6))
        return type(received).readinto(received, buffer)

    received.readinto = readinto
    return answer

"""Kept connections to the service, whose answers have a time limit and a size."""

import contextlib
import io
import os
import selectors
import socket
import ssl
import time
from collections import deque
from functools import partial
from http.client import HTTPConnection, HTTPResponse, HTTPSConnection
from typing import Any
from urllib.parse import SplitResult

MAX_BODY = 64 * 1024  # bytes; more is cut off
MAX_KEPT = 8  # idle connections
MAX_AGE = 60.0  # seconds after which a connection is replaced
KEPT_AFTER = {204, 401, 403}  # after another status it is not known what else a connection holds
Kept = tuple[int, float, HTTPConnection]  # process, time of opening
Call = tuple[str, str, str | None, dict[str, str]]  # method, path, body, headers


class Connections:
    """Connections to one server. Safe for threads; a forked process opens its own."""

    def __init__(self, url: SplitResult, timeout: float) -> None:
        """`timeout` is in seconds: to connect to each address of the host, and for the answer."""
        tls = {"context": ssl.create_default_context()} if url.scheme == "https" else {}
        connection: Any = HTTPSConnection if tls else HTTPConnection
        self._new = partial(connection, url.hostname, url.port, timeout=timeout, **tls)
        self._path, self._timeout, self._idle = url.path.rstrip("/"), timeout, deque[Kept]()

    def get(self, path: str, token: str) -> tuple[HTTPResponse, bytes]:
        """Return the answer to a bearer of this token. As `ask`."""
        return self.ask("GET", path, {"Authorization": f"Bearer {token}"})

    def ask(
        self, method: str, path: str, headers: dict[str, str], body: str | None = None, most: int = MAX_BODY
    ) -> tuple[HTTPResponse, bytes]:
        """Return an answer and its body, cut off after `most` bytes. The call may be made twice.

        Follows no redirect. Raises `OSError` or `HTTPException`.
        """
        call = (method, self._path + path, body, headers)
        deadline = time.monotonic() + self._timeout
        if kept := self._kept():
            try:
                return self._ask(kept, call, deadline, most)
            except (ConnectionError, ssl.SSLError):  # the server closed it meanwhile: ask once more
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
        connection, is_complete = kept[-1], False
        connection.response_class = partial(_response, deadline)  # type: ignore[assignment]  # a class is declared
        try:
            connection.request(*call)
            with connection.getresponse() as answer:
                body = answer.read(most)
                is_complete = answer.isclosed() and answer.status in KEPT_AFTER
            return answer, body
        finally:
            if is_complete and connection.sock and len(self._idle) < MAX_KEPT:
                self._idle.append(kept)
            else:
                connection.close()


class _Reads(io.RawIOBase):
    """What a socket receives until a deadline, however slowly it arrives."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock, self._raw, self._deadline = sock, sock.makefile("rb", buffering=0), deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(max(self._deadline - time.monotonic(), 1e-6))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _response(deadline: float, sock: socket.socket, **more: Any) -> HTTPResponse:
    answer = HTTPResponse(sock, **more)
    answer.fp.close()
    answer.fp = io.BufferedReader(_Reads(sock, deadline))
    return answer

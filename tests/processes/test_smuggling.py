"""Request smuggling: a request is never read as two, and never answered twice."""

import re
import shutil
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.haproxy import proxying
from tests.support.server import DEADLINE, Server, serving, until
from tests.support.smuggling import ATTEMPTS, HIDDEN

LAST = b"PUT /auth/login HTTP/1.1\r\nHost: localhost\r\n\r\n"  # the only request that is answered with 405
STATUS = re.compile(rb"HTTP/1\.[01] (\d{3}) .*?\r\n\r\n", re.DOTALL)


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path) -> Iterator[Server]:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    more = {"TRUSTED_PROXIES": "1", "RATE_LIMIT_ENABLED": "false"}
    with serving(f"sqlite:///{tmp_path}/auth.db", tmp_path, **more) as serves:
        yield serves


def answers(connection: socket.socket, sent: bytes) -> tuple[list[int], bool]:
    """Return the statuses of the responses to these bytes, and whether the connection is then closed.

    After the first response another request is sent; its response marks the end.
    """
    said, asked = b"", False
    with connection:
        connection.settimeout(DEADLINE)
        try:
            connection.sendall(sent)
            while 405 not in _statuses(said) and (part := connection.recv(65536)):
                said += part
                if not asked and _statuses(said):
                    asked = True
                    connection.sendall(LAST)
        except (ConnectionError, ssl.SSLError):
            pass  # closed with the last request unread
    found = _statuses(said)
    return [status for status in found if status != 405], 405 not in found


def _statuses(said: bytes) -> list[int]:
    return [int(status) for status in STATUS.findall(said)]


def reached(server: Server) -> int:
    """Return how many of the hidden requests the service has received."""
    return server.log.read_text().count('"route": "/auth/verify"')


def faults(server: Server, connect: Callable[[], socket.socket], *, proxied: bool) -> list[str]:
    """Return the attempts with an unexpected response."""
    found = []
    for attempt in ATTEMPTS:
        expected = attempt.proxied if proxied else attempt.straight
        before = reached(server)
        statuses, is_closed = answers(connect(), attempt.sent)
        hidden = reached(server) - before
        refused = statuses == [400] and is_closed
        one = len(statuses) == 1 and not hidden
        two = len(statuses) == 2 and hidden == 1
        if not (two if expected == 2 else refused or one):
            found.append(f"{attempt.name}: {statuses}, {hidden} hidden, closed: {is_closed}")
    return found


def test_no_request_is_smuggled_past_the_server(server: Server) -> None:
    assert faults(server, lambda: socket.create_connection(("127.0.0.1", server.port)), proxied=False) == []
    assert server.call("GET", "/health/ready")[0] == 200


@pytest.mark.slow
def test_no_request_is_smuggled_past_the_proxy(server: Server, tmp_path: Path) -> None:
    with proxying(tmp_path, server) as proxy:
        context = ssl.create_default_context(cafile=str(proxy.certificate))

        def connect() -> socket.socket:
            plain = socket.create_connection(("localhost", proxy.tls_port))
            return context.wrap_socket(plain, server_hostname="localhost")

        def is_up() -> bool:
            try:
                return answers(connect(), HIDDEN)[0] == [401]
            except OSError:
                return False

        until(is_up, "the proxy to find the app")
        assert faults(server, connect, proxied=True) == []
        assert is_up()

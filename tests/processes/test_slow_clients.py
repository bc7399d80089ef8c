"""Slow clients: timeouts, and service for other clients meanwhile."""

import http.client
import json
import shutil
import socket
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event

import pytest

from tests.support.haproxy import proxying
from tests.support.server import DEADLINE, Server, serving, until
from tests.support.service import PASSWORD
from utils.serving.server import THREADS

pytestmark = pytest.mark.slow

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
HEAD = b"POST /auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
BODY = HEAD + b'Content-Length: 1000\r\n\r\n{"username": "'
# The server with a shorter header timeout.
SHORT_HEADER_TIMEOUT = """
import os, runpy, sys, utils.serving.server
utils.serving.server.HEADER_TIMEOUT = 1
sys.argv = sys.argv[2:]
runpy.run_path(os.path.abspath("app.py"), run_name="__main__")
"""


def send_slowly(connection: socket.socket, begin: bytes, stopped: Event) -> tuple[bytes, float]:
    """Send the beginning, then single bytes; return the response and the seconds until the end."""
    began, said = time.monotonic(), b""
    connection.settimeout(0.1)
    with connection:
        try:
            connection.sendall(begin)
            while not stopped.is_set() and time.monotonic() < began + DEADLINE:
                try:
                    if not (part := connection.recv(65536)):
                        break
                    said += part
                except TimeoutError:
                    connection.sendall(b"x")
        except (ConnectionError, ssl.SSLError):
            pass
    return said, time.monotonic() - began


@contextmanager
def server_on(template: Path, folder: Path, *, within: list[str] | None = None) -> Iterator[Server]:
    shutil.copy(template, folder / "auth.db")
    more = {"TRUSTED_PROXIES": "1", "RATE_LIMIT_ENABLED": "false"}
    with serving(f"sqlite:///{folder}/auth.db", folder, within=within or [], **more) as server:
        yield server


def seen(server: Server) -> set[str]:
    """Return the routes of the requests that reached the service."""
    lines = server.log.read_text().partition("Ctrl-C stops it.\n")[2].splitlines()
    return {str(json.loads(line)["route"]) for line in lines}


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", marks=pytest.mark.nightly, id="line"),
        pytest.param(b"GET /auth/me HTTP/1.1\r\nX-Slow: ", id="header"),
    ],
)
def test_slow_headers_are_cut_off(sqlite_template: Path, tmp_path: Path, begin: bytes) -> None:
    with server_on(sqlite_template, tmp_path, within=[sys.executable, "-c", SHORT_HEADER_TIMEOUT]) as server:
        connection = socket.create_connection(("127.0.0.1", server.port))
        _, seconds = send_slowly(connection, begin, Event())  # the server closes the connection
        assert 1 <= seconds < DEADLINE
        assert seen(server) == set()


def answers_soon(server: Server) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=0.5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@contextmanager
def slow_clients(number: int, connect: Callable[[], socket.socket]) -> Iterator[Callable[[], list[bytes]]]:
    """Run this many clients with slow bodies for the block; yield a function that awaits their responses."""
    stopped = Event()
    with ThreadPoolExecutor(number) as pool, ExitStack() as stack:
        stack.callback(stopped.set)
        clients = [pool.submit(send_slowly, connect(), BODY, stopped) for _ in range(number)]
        yield lambda: [client.result(DEADLINE)[0] for client in clients]


@pytest.mark.slow
def test_slow_bodies_do_not_block_others_while_a_thread_is_free(
    sqlite_template: Path, tmp_path: Path
) -> None:
    with server_on(sqlite_template, tmp_path) as server:

        def connect() -> socket.socket:
            return socket.create_connection(("127.0.0.1", server.port))

        with slow_clients(THREADS - 2, connect):
            assert server.call("POST", "/auth/register", ADA)[0] == 201
            token = server.call("POST", "/auth/login", ADA)[1]["access_token"]
            assert {server.call("GET", "/auth/me", token=token)[0] for _ in range(20)} == {200}
            # Why a proxy must buffer bodies: when every thread has a slow client, no request is served.
            with slow_clients(4, connect):
                until(lambda: not answers_soon(server), "every thread to be taken")
            until(lambda: answers_soon(server), "the threads to be free again")
        assert server.call("GET", "/auth/me", token=token)[0] == 200


@pytest.mark.slow
def test_proxy_keeps_slow_bodies_from_the_app(sqlite_template: Path, tmp_path: Path) -> None:
    with (
        server_on(sqlite_template, tmp_path) as server,
        proxying(tmp_path, server, request_timeout="2s") as proxy,
    ):
        context = ssl.create_default_context(cafile=str(proxy.certificate))

        def connect() -> socket.socket:
            plain = socket.create_connection(("localhost", proxy.tls_port))
            return context.wrap_socket(plain, server_hostname="localhost")

        def status() -> int:
            connection = http.client.HTTPSConnection(
                "localhost", proxy.tls_port, context=context, timeout=DEADLINE
            )
            try:
                connection.request("GET", "/auth/me")
                return connection.getresponse().status
            except OSError:
                return 0
            finally:
                connection.close()

        until(lambda: status() == 401, "the proxy to find the app")
        with slow_clients(THREADS + 4, connect) as answers:
            assert {status() for _ in range(20)} == {401}
            assert {answer.split(b"\r\n")[0] for answer in answers()} == {b"HTTP/1.1 408 Request Time-out"}
        assert "/auth/login" not in seen(server)

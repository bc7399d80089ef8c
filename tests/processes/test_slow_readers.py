"""Clients that do not read a large response: what it holds in the service, alone and behind nginx."""

import json
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, insert

from models import AuditEvent
from tests.support.examples import NGINX, running
from tests.support.proxies import NGINX_HTTP
from tests.support.server import DEADLINE, Server, free_port, serving, until
from tests.support.service import PASSWORD, START

pytestmark = pytest.mark.slow

EVENTS = 20_000
MEMBERS = 16
# The server with a shorter time to send an export.
SHORT_SEND = """
import os, runpy, sys
from dataclasses import replace
from auth.accounts import routes
routes.EXPORT_LIMITS = replace(routes.EXPORT_LIMITS, send_seconds=3)
sys.argv = sys.argv[2:]
runpy.run_path(os.path.abspath("app.py"), run_name="__main__")
"""
SITE = """
server {{
    listen 127.0.0.1:{listen};
    location / {{
        proxy_pass http://127.0.0.1:{port};
        proxy_http_version 1.1;
    }}
}}
"""


def members(server: Server, uri: str, number: int) -> list[str]:
    """Return the access tokens of this many members with 20,000 events each."""
    tokens, people = [], []
    for each in range(number):
        body = {"username": f"ada{each}", "email": f"ada{each}@example.com", "password": PASSWORD}
        people.append(server.call("POST", "/auth/register", body)[1]["user"]["id"])
        tokens.append(str(server.call("POST", "/auth/login", body)[1]["access_token"]))
    facts = {"event": "session_refreshed", "at": START, "ip_address": "203.0.113.7", "request_id": "0" * 16}
    engine = create_engine(uri)
    with engine.begin() as connection:
        for user_id in people:
            row = facts | {"user_id": user_id, "user_agent": "x" * 120, "count": 1}
            connection.execute(insert(AuditEvent), [row] * EVENTS)
    engine.dispose()
    return tokens


@contextmanager
def stalled(port: int, token: str) -> Iterator[socket.socket]:
    """Ask for an export over a connection that is not read."""
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(DEADLINE)
        connection.connect(("127.0.0.1", port))
        head = f"GET /auth/me/export HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n\r\n"
        connection.sendall(head.encode())
        assert connection.recv(12) == b"HTTP/1.1 200"
        yield connection


def rest_of(connection: socket.socket) -> int:
    """Return how many bytes the connection still has, up to its end."""
    size = 0
    try:
        while part := connection.recv(1 << 20):
            size += len(part)
    except ConnectionError:
        pass
    return size


@contextmanager
def serving_exports(
    template: Path, folder: Path, number: int, *, short: bool
) -> Iterator[tuple[Server, list[str]]]:
    shutil.copy(template, folder / "auth.db")
    uri = f"sqlite:///{folder}/auth.db"
    more = {"RATE_LIMIT_ENABLED": "false", "WEB_CONCURRENCY": "1", "PASSWORD_HASH_METHOD": "scrypt:256:8:1"}
    within = [sys.executable, "-c", SHORT_SEND] if short else []
    with serving(uri, folder, within=within, **more) as server:
        yield server, members(server, uri, number)


def export(server: Server, token: str) -> tuple[int, int]:
    """Return the status of an export and the number of its events."""
    status, body = server.call("GET", "/auth/me/export", token=token)
    return status, len(body.get("events", ()))


def test_export_that_is_not_read_ends_after_its_time(sqlite_template: Path, tmp_path: Path) -> None:
    with serving_exports(sqlite_template, tmp_path, 1, short=True) as (server, (token,)):
        began = time.monotonic()
        with stalled(server.port, token) as connection:
            assert export(server, token) == (429, 0)
            until(lambda: export(server, token)[0] == 200, "the first export to end")
            assert time.monotonic() - began >= 2.5
            assert rest_of(connection) < EVENTS * 300  # cut off: some of it was in the kernel's buffers


def test_nginx_reads_an_export_for_a_client_that_does_not(sqlite_template: Path, tmp_path: Path) -> None:
    """By default it buffers responses, in its memory and a temporary file: the export ends at once."""
    with serving_exports(sqlite_template, tmp_path, 1, short=False) as (server, (token,)):
        port = free_port()
        site = SITE.format(listen=port, port=server.port)
        (tmp_path / "nginx.conf").write_text(NGINX_HTTP.format(folder=tmp_path, site=site))
        command = [NGINX, "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
        with running(command, tmp_path, f"http://127.0.0.1:{port}/health/live"), stalled(port, token) as slow:
            until(lambda: export(server, token)[0] == 200, "nginx to have read the first export")
            assert rest_of_body(slow) == EVENTS + 3


def rest_of_body(connection: socket.socket) -> int:
    """Return the number of events in the rest of this response."""
    with connection.makefile("rb") as file:
        length = 0
        while (line := file.readline().strip()) or not length:
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        return len(json.loads(file.read(length))["events"])


@pytest.mark.nightly  # test_data_export.py holds the pages of an export
def test_sixteen_exports_do_not_grow_the_worker(sqlite_template: Path, tmp_path: Path) -> None:
    with serving_exports(sqlite_template, tmp_path, MEMBERS, short=False) as (server, tokens):
        (worker,) = server.workers()
        before = resident(worker)
        for token in tokens[:2]:  # what the first ones load is kept
            assert export(server, token) == (200, EVENTS + 3)
        peak = before
        with ThreadPoolExecutor(MEMBERS) as pool:
            calls = [pool.submit(export, server, token) for token in tokens]
            while not all(call.done() for call in calls):
                peak = max(peak, resident(worker))
                time.sleep(0.02)
            statuses = [call.result()[0] for call in calls]
        assert set(statuses) <= {200, 429}
        assert statuses.count(200) >= 2
        assert peak - before < 40, (before, peak)


def resident(pid: int) -> float:
    """Return the resident memory of a process in megabytes."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024

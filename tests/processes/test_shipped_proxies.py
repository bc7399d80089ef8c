"""The shipped configurations of HAProxy, nginx and Caddy: addresses, mailed links, operations paths."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from auth.admin.address_probe import spellings
from auth.mailing.messages import MAILS
from config_checks import PAGES
from tests.support import haproxy
from tests.support.haproxy import Proxy, self_signed
from tests.support.proxies import SHIPPED, ask, running_caddy, shipped
from tests.support.server import DEADLINE, ROOT, Server, free_port, serving, until

pytestmark = pytest.mark.slow

SETTINGS = {"TRUSTED_PROXIES": "1", "CLIENT_ADDRESS_HEADER": "Clientaddress"}
JSON_BODY = [("Content-Type", "application/json")]


def database(template: Path, folder: Path) -> str:
    shutil.copy(template, folder / "auth.db")
    return f"sqlite:///{folder}/auth.db"


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    with serving(database(sqlite_template, folder), folder, **SETTINGS) as started:
        yield started


@pytest.fixture(scope="module", params=SHIPPED)
def proxy(
    request: pytest.FixtureRequest, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    with shipped(request.param, tmp_path_factory.mktemp(request.param), server) as started:
        yield started


def logged(server: Server, before: int) -> list[dict[str, Any]]:
    """Return the log lines of requests since this length of the log."""
    lines = [json.loads(line) for line in server.log.read_text()[before:].splitlines() if line[0] == "{"]
    return [line for line in lines if line["event"] == "request" and line["route"] == "/auth/logout"]


@pytest.mark.parametrize(
    "name", [*spellings("X-Forwarded-For"), "Clientaddress", "clientaddress", "Client_address", "Forwarded"]
)
def test_forged_header_does_not_change_the_address(proxy: Proxy, server: Server, name: str) -> None:
    before = len(server.log.read_text())
    forged = [*JSON_BODY, (name, "203.0.113.9"), (name, "203.0.113.10")]
    assert ask(proxy, "/auth/logout", forged, method="POST", body=b"{}")[0] == 204
    until(lambda: logged(server, before), "the log line")
    assert [line["ip_address"] for line in logged(server, before)] == ["127.0.0.1"]


def test_every_mailed_link_opens_its_page(proxy: Proxy) -> None:
    names = {f"link_{name}" for links in MAILS.values() for name in links}
    assert names == set(PAGES) - {"link_authorize"}  # which no mail has
    assert {name: ask(proxy, PAGES[name]) for name in names} == dict.fromkeys(names, (200, "text/html"))


@pytest.mark.parametrize("path", ["/metrics", "/health/live", "/health/ready"])
def test_operations_paths_are_not_passed_on(proxy: Proxy, path: str) -> None:
    for spelling in (path, f"{path}/", f"/{path}", f"{path}?x", f"/%{ord(path[1]):x}{path[2:]}"):
        assert ask(proxy, spelling)[0] == 404, spelling


def test_login_reaches_the_service(proxy: Proxy) -> None:
    body = json.dumps({"username": "nobody", "password": "correct horse battery"}).encode()
    assert ask(proxy, "/auth/login", JSON_BODY, method="POST", body=body)[0] == 401


def test_call_without_tls_is_refused_and_a_page_redirected(proxy: Proxy) -> None:
    for path in ("/auth/me", "//auth/me", "/%61uth/me"):
        assert ask(proxy, path, tls=False)[0] == 403
    assert ask(proxy, "/login", tls=False)[0] == 308


def doctor(server: Server, url: str, certificate: Path, **settings: str) -> list[dict[str, str]]:
    """Run `doctor --probe` as a command and return its findings about the address."""
    secrets = {name: "k" * 40 + name for name in ("FLASK_SECRET_KEY", "JWT_SECRET_KEY")}
    uri = f"sqlite:///{server.log.parent}/auth.db"
    environ = {"PATH": os.environ["PATH"], "DATABASE_URI": uri, "SSL_CERT_FILE": str(certificate)}
    command = [sys.executable, "-m", "flask", "--app", "app", "auth", "doctor", "--json", "--probe", url]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=environ | secrets | settings,
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    assert done.stdout, done.stderr
    findings = json.loads(done.stdout)["findings"]
    return [finding for finding in findings if finding["check"] == "client address"]


def test_probe_finds_no_forged_address_behind_a_shipped_proxy(proxy: Proxy, server: Server) -> None:
    url = f"https://localhost:{proxy.tls_port}"
    (found,) = doctor(server, url, proxy.certificate, **SETTINGS)
    assert found["state"] == "ok", found


def test_probe_finds_the_underscore_header_that_a_plain_caddy_passes_on(
    sqlite_template: Path, tmp_path: Path
) -> None:
    self_signed(tmp_path)
    port = free_port()
    with serving(database(sqlite_template, tmp_path), tmp_path, TRUSTED_PROXIES="1") as server:
        text = (
            f"{{\n\tadmin off\n}}\nhttp://127.0.0.1:{port} {{\n\treverse_proxy 127.0.0.1:{server.port}\n}}\n"
        )
        with running_caddy(tmp_path, text):
            url = f"http://127.0.0.1:{port}"
            until(lambda: _connects(port), "Caddy to listen")
            found = doctor(server, url, tmp_path / "certificate", TRUSTED_PROXIES="1")
    assert {finding["state"] for finding in found} == {"problem"}
    assert "A client can choose its address with X_Forwarded_For." in [finding["text"] for finding in found]


def _connects(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def idle_connections(port: int, count: int, source: str) -> Iterator[None]:
    """Try to hold connections that send nothing. The other side may close some at once."""
    with ExitStack() as stack:
        for _ in range(count):
            with suppress(ConnectionResetError):
                stack.enter_context(connected(port, source))
        yield


def connected(port: int, source: str) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=5, source_address=(source, 0))


def test_idle_connections_of_one_source_leave_room_for_others(server: Server, tmp_path: Path) -> None:
    """With room for 300 connections, one source tries to take 600."""
    with haproxy.proxying(tmp_path, server, maximum=300) as proxy:
        until(lambda: ask(proxy, "/auth/me")[0] == 401, "the proxy to answer")
        with idle_connections(proxy.tls_port, 600, "127.0.0.2"):
            assert answer_of_another_source(proxy, "127.0.0.3") == 401
            assert answer_of_another_source(proxy, "127.0.0.2") == 0


def answer_of_another_source(proxy: Proxy, source: str) -> int:
    """Return the status of a call from this address, 0 if the connection is closed or not taken."""
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    try:
        with connected(proxy.tls_port, source) as plain:
            plain.getpeername()  # `wrap_socket` would leave a socket open whose connection was reset before
            connection = context.wrap_socket(plain, server_hostname="localhost")
        with connection:
            connection.sendall(b"GET /auth/me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return int(connection.recv(1024).split()[1])
    except (OSError, IndexError):
        return 0

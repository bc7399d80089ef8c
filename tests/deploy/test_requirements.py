"""Requirements of docs/security/asvs.md that no other test covers."""

import io
import json
import logging
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from pages import assets
from tests.support.architecture import ROOT
from tests.support.memory_apps import memory_app
from tests.support.requests import DAY, everything
from tests.support.server import Server, serving
from tests.support.service import PASSWORD, FixedClock, bearer, login, me, register, signed_in
from utils.observability.logs import JsonLines
from utils.web.return_addresses import MAX_LENGTH

HOME = {"Origin": "http://localhost:8000"}
SESSION = "0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11"


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        yield app.test_client()


def paths(app: Flask) -> dict[str, bool]:
    """Return every path with its placeholders filled, and whether it accepts GET."""
    filled = {
        "<uuid:session_id>": SESSION,
        "<uuid:passkey_id>": SESSION,
        "<uuid:token_id>": SESSION,
        "<version>": assets.version(),
        "<path:name>": "lib/page.js",
        "<name>": "page.js",
    }
    found: dict[str, bool] = {}
    for rule in app.url_map.iter_rules():
        path = rule.rule
        for gap, value in filled.items():
            path = path.replace(gap, value)
        found[path] = found.get(path, False) or "GET" in (rule.methods or ())
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_safe_methods_change_nothing(app: Flask, client: FlaskClient, method: str) -> None:
    signed_in(client, token_delivery="cookie", headers=HOME)
    access = login(client).get_json()["access_token"]
    before = everything(app)
    found = paths(app)
    del found["/auth/me/export"]  # which logs the export
    assert set(found.values()) == {True, False}
    for path, takes_get in found.items():
        status = client.open(path, method=method, headers=bearer(access) | HOME).status_code
        assert (status == 405) == (method != "OPTIONS" and not takes_get) or path == "/auth/verify", path
    assert everything(app) == before
    login(client)
    assert everything(app) != before  # the comparison detects a change


def test_jsonp_callback_is_ignored(memory: FlaskClient) -> None:
    for path in ("/auth/me", "/openapi.json", "/health/live"):
        answer = memory.get(f"{path}?callback=alert&jsonp=alert")
        assert answer.content_type == "application/json"
        assert "alert" not in answer.get_data(as_text=True)


def test_static_files_are_the_same_for_every_caller(memory: FlaskClient) -> None:
    access = signed_in(memory, token_delivery="cookie", headers=HOME)["access_token"]
    stranger = memory.application.test_client()
    for path in [assets.asset(name) for name in assets.files()] + ["/docs/page.js", "/favicon.ico"]:
        assert memory.get(path, headers=bearer(access)).data == stranger.get(path).data != b""


NOTHING = [
    *("/.git/HEAD", "/.git/", "/.env", "/.env.example", "/app.py", "/config.py", "/requirements.txt"),
    *("/instance/auth.db", "/auth.db", "/auth.db.bak", "/static", "/static/", "/static/app.py", "/pages/"),
    *("/assets", "/assets/", "/docs/page.html", "/migrations/", "/server-status", "/.DS_Store"),
]


@pytest.mark.parametrize("path", [*NOTHING, "/assets/0/routes.py", "/assets/0/pages.json", "/assets/0/"])
def test_unlisted_file_or_folder_is_not_served(memory: FlaskClient, path: str) -> None:
    answer = memory.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("end", ["/x.css", "/x.js", ".css", "%2Fx.css", ";x.css", "%00.css", "%3Bx.png"])
@pytest.mark.parametrize("path", ["/auth/me", "/auth/sessions", "/auth/me/export"])
def test_web_cache_deception_path_returns_no_profile(memory: FlaskClient, path: str, end: str) -> None:
    access = signed_in(memory)["access_token"]
    answer = memory.get(f"{path}{end}", headers=bearer(access))
    assert answer.status_code in {404, 405}
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ada@example.com" not in answer.get_data(as_text=True)


def test_cookies_are_below_the_browser_size_limit(memory: FlaskClient) -> None:
    name = "a" * 80
    register(memory, name, email=f"{'x' * 64}@{'y' * 63}.{'z' * 63}.example.com")
    answer = login(memory, name, token_delivery="cookie", remember=True, headers=HOME)
    sent = [line.partition(";")[0] for line in answer.headers.getlist("Set-Cookie")]
    assert [len(pair) < 128 for pair in sent] == [True, True]
    asked = {"token_delivery": "cookie", "next": "/" + "x" * (MAX_LENGTH - 1)}
    body = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
    answer = memory.post("/auth/register", json=body | asked, headers=HOME)
    assert answer.status_code == 201
    assert len(answer.headers["Set-Cookie"].partition(";")[0]) < 4096


MARKUP = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|srcdoc|DOMParser"
)


def test_page_scripts_do_not_parse_text_as_html() -> None:
    scripts = {name: content.decode() for name, content in assets.files().items() if name.endswith(".js")}
    assert len(scripts) > 10
    assert [name for name, script in scripts.items() if MARKUP.search(script)] == []
    assert MARKUP.search("node.innerHTML = name")


def test_templates_do_not_disable_escaping() -> None:
    templates = list((ROOT / "pages" / "templates").rglob("*.html"))
    assert len(templates) > 10
    for path in templates:
        assert not re.search(r"\|\s*safe\b|autoescape", path.read_text("utf-8")), path.name


def test_new_database_has_no_account(app: Flask, client: FlaskClient) -> None:
    assert everything(app)["users"] == []
    for name in ("admin", "root", "sa", "administrator", "auth", "postgres", "test"):
        for password in (name, "password", "changeme", "admin"):
            assert login(client, name, password).status_code == 401


def test_password_does_not_expire(client: FlaskClient, clock: FixedClock) -> None:
    register(client)
    clock.advance(10 * 365 * DAY)
    assert login(client).status_code == 200


def test_log_line_time_is_utc() -> None:
    record = logging.makeLogRecord(
        {"name": "auth", "msg": "x", "levelname": "INFO", "created": 1_700_000_000.5}
    )
    assert json.loads(JsonLines().format(record))["at"] == "2023-11-14T22:13:20.500Z"


def test_every_refusal_logs_one_line_with_its_code(app: Flask) -> None:
    client = app.test_client(use_cookies=False)
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines())
    logging.getLogger("auth").addHandler(handler)
    try:
        me(client, "x")
        client.get("/auth/me")
        client.post("/auth/refresh", headers={"Cookie": "__Host-refresh=x"})
        client.post("/auth/login", data="x", content_type="text/plain")
    finally:
        logging.getLogger("auth").removeHandler(handler)
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    found = [(line["status"], line["code"], line["ip_address"]) for line in lines]
    wanted = [(401, "token_invalid"), (401, "token_missing"), (403, "cross_site_refused")]
    assert found == [(*one, "127.0.0.1") for one in [*wanted, (415, "unsupported_media_type")]]


@pytest.fixture(scope="module")
def server(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("server")
    (folder / "auth.db").write_bytes(sqlite_template.read_bytes())
    with serving(f"sqlite:///{folder}/auth.db", folder) as started:
        yield started


CALLS = [
    ("GET", "/health/live", 200),
    ("HEAD", "/login", 200),
    ("HEAD", "/auth/me", 401),
    ("POST", "/auth/logout", 204),
    ("GET", "/login", 200),
    ("OPTIONS", "/auth/login", 200),
    ("TRACE", "/login", 405),
    ("GET", "/nowhere", 404),
    ("GET", "/.well-known/change-password", 302),
    ("GET", "/favicon.ico", 200),
    ("GET", "/health/live", 200),
]


@pytest.mark.slow
def test_content_length_is_correct(server: Server) -> None:
    """All requests share one connection, where a wrong length would corrupt the next response."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        for method, path, wanted in CALLS:
            sent = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n"
            connection.sendall(sent.encode())
            head, status = _head(connection)
            assert status == wanted, (method, path)
            assert head["server"] == "granian"  # and not which version
            length = int(head.get("content-length", "0"))
            if method != "HEAD" and status != 204:
                _exactly(connection, length)
            assert "transfer-encoding" not in head
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)  # no bytes beyond the announced lengths


@pytest.mark.slow
def test_oversized_headers_are_refused(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(b"GET /auth/me HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ")
        try:
            connection.sendall(b"x" * 200_000 + b"\r\n\r\n")
            answer = connection.recv(4096)
        except (BrokenPipeError, ConnectionResetError):
            answer = b""
    assert answer == b"" or answer.startswith(b"HTTP/1.1 431")
    assert server.call("GET", "/health/live")[0] == 200


def _head(connection: socket.socket) -> tuple[dict[str, str], int]:
    """Read the headers and status of the next response, and none of its body."""
    read = b""
    while not read.endswith(b"\r\n\r\n"):
        read += _exactly(connection, 1)
    first, *lines = read.decode("latin-1").strip().split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    return {name.lower(): value for name, _, value in pairs}, int(first.split(" ")[1])


def _exactly(connection: socket.socket, length: int) -> bytes:
    read = b""
    while len(read) < length:
        part = connection.recv(length - len(read))
        assert part, "the server closed the connection"
        read += part
    return read

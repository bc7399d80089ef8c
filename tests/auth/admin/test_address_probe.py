"""`flask auth doctor --probe URL`: whether a client can choose its address through the proxy."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from flask import Flask

from auth.admin.address_probe import spellings
from tests.conftest import AppFactory
from tests.support.commands import auth
from tests.support.service import rows

Headers = list[tuple[str, str]]
Proxy = Callable[[Headers], Headers]
BEHIND_ONE = {"TRUSTED_PROXIES": "1"}
CLIENT = "192.0.2.7"


def appends(headers: Headers) -> Headers:
    """A proxy that appends to X-Forwarded-For and passes all other names on."""
    before = [value for name, value in headers if name.lower() == "x-forwarded-for"]
    others = [pair for pair in headers if pair[0].lower() != "x-forwarded-for"]
    return [("X-Forwarded-For", ", ".join([*before, CLIENT])), *others]


def drops_underscores(headers: Headers) -> Headers:
    return appends([pair for pair in headers if "_" not in pair[0]])


def overwrites_another(headers: Headers) -> Headers:
    return [pair for pair in headers if pair[0].lower() != "clientaddress"] + [("Clientaddress", CLIENT)]


def silent(headers: Headers) -> Headers:
    return []


@contextmanager
def proxying(app: Flask, proxy: Proxy) -> Iterator[str]:
    """Serve the app behind a proxy of this behaviour, with the names as a WSGI server writes them."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            passed = {f"HTTP_{n.upper().replace('-', '_')}": v for n, v in proxy([*self.headers.items()])}
            client = app.test_client()
            answer = client.post(
                self.path, data=body, content_type="application/json", environ_overrides=passed
            )
            self.send_response(answer.status_code)
            self.send_header("X-Request-Id", answer.headers["X-Request-Id"])
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def probed(app: Flask, proxy: Proxy, *, database: Flask | None = None) -> list[dict[str, str]]:
    """Run `doctor --probe` and return its findings about the address."""
    with proxying(app, proxy) as url:
        told = json.loads(auth(database or app, "doctor", "--json", "--probe", url).stdout)
    return [finding for finding in told["findings"] if finding["check"] == "client address"]


@pytest.mark.both_databases
def test_underscore_header_that_gets_through_is_a_problem(make_app: AppFactory) -> None:
    found = probed(make_app(BEHIND_ONE), appends)
    assert [finding["state"] for finding in found] == ["problem"] * 3
    names = [finding["text"].removesuffix(".").split()[-1] for finding in found]
    assert names == ["X-Forwarded_For", "X_Forwarded-For", "X_Forwarded_For"]
    assert all("CLIENT_ADDRESS_HEADER" in finding["advice"] for finding in found)


def test_proxy_that_drops_underscores_or_overwrites_the_header_is_ok(make_app: AppFactory) -> None:
    cases: list[tuple[dict[str, str], Proxy]] = [
        (BEHIND_ONE, drops_underscores),
        (BEHIND_ONE | {"CLIENT_ADDRESS_HEADER": "Clientaddress"}, overwrites_another),
        ({"TRUSTED_PROXIES": "0"}, appends),
    ]
    for environ, proxy in cases:
        (found,) = probed(make_app(environ), proxy)
        assert found["state"] == "ok", found


def test_header_that_the_proxy_does_not_write_is_a_problem(make_app: AppFactory) -> None:
    (found,) = probed(make_app(BEHIND_ONE), silent)
    assert (found["state"], "share one rate limit" in found["text"]) == ("problem", True)


def test_too_many_trusted_proxies_are_a_problem(make_app: AppFactory) -> None:
    found = probed(make_app({"TRUSTED_PROXIES": "2"}), drops_underscores)
    assert found[0]["text"] == "A client can choose its address with X-Forwarded-For."
    assert "TRUSTED_PROXIES" in found[0]["advice"]


def test_forwarded_header_is_forged_in_its_own_syntax(make_app: AppFactory) -> None:
    environ = BEHIND_ONE | {"CLIENT_ADDRESS_HEADER": "Forwarded"}
    (found,) = probed(make_app(environ), lambda headers: headers)[:1]
    assert found["text"] == "A client can choose its address with Forwarded."


def test_service_that_does_not_answer_is_a_problem(make_app: AppFactory) -> None:
    told = json.loads(auth(make_app(), "doctor", "--json", "--probe", "http://127.0.0.1:1").stdout)
    (found,) = [finding for finding in told["findings"] if finding["check"] == "client address"]
    assert found["text"] == "http://127.0.0.1:1 could not be asked (ConnectionRefusedError)."


def test_service_with_another_database_is_a_problem(make_app: AppFactory, tmp_path: Any) -> None:
    from tests.support.memory_apps import memory_app

    with memory_app(BEHIND_ONE) as other:
        (found,) = probed(other, drops_underscores, database=make_app(BEHIND_ONE))
    assert "another database answered" in found["text"]


def test_probe_accepts_an_origin_only(make_app: AppFactory) -> None:
    for url in ("auth.example.com", "https://auth.example.com/path", "file:///etc/passwd"):
        assert auth(make_app(), "doctor", "--probe", url).exit_code == 2


def test_doctor_sends_no_forged_address_unless_asked(make_app: AppFactory) -> None:
    app = make_app(BEHIND_ONE)
    auth(app, "doctor")
    assert rows(app, "SELECT event FROM audit_events WHERE event = 'link_refused'") == []


def test_spellings_of_a_header_are_all_found() -> None:
    assert spellings("Clientaddress") == ["Clientaddress"]
    assert spellings("X-Real-IP") == ["X-Real-IP", "X-Real_IP", "X_Real-IP", "X_Real_IP"]

"""Hostile input on every route: refused in the error shape, quickly, without echoing it."""

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.memory_apps import memory_app
from tests.support.service import PASSWORD, CountingHasher, bearer, me, register, rows, signed_in
from utils.web.http import documentation

JSON = "application/json"
MARK = "sent-by-the-caller"  # in the bodies below, and in no response
DEEP = b'{"username": ' + b"[" * 1_000 + b"]" * 1_000 + b', "password": "sent-by-the-caller"}'

# Body, content type, and the expected status of every route with a body.
BODIES: dict[str, tuple[bytes, str, int]] = {
    "1,000 arrays": (DEEP, JSON, 400),
    "30,000 arrays": (b"[" * 30_000, JSON, 400),
    "30,000 objects": (b'{"a":' * 12_000, JSON, 400),
    "100,000 arrays": (b"[" * 100_000, JSON, 413),
    "open strings": (b'["' + b'\\"[' * 21_000, JSON, 400),
    "open strings that end in an escape": (b'"' + b'\\"' * 32_000 + b"\\", JSON, 400),
    "half a character": (b'{"username": "sent-by-the-caller\\ud800", "password": "x"}', JSON, 400),
    "half a character as a key": (b'{"\\udc00": 1}', JSON, 400),
    "5,000 digits": (b'{"username": ' + b"9" * 5_000 + b"}", JSON, 400),
    "NaN": (b'{"username": NaN}', JSON, 400),
    "Infinity": (b'{"username": -Infinity}', JSON, 400),
    "a key twice": (b'{"username": "a", "username": "sent-by-the-caller"}', JSON, 400),
    "UTF-16": ('{"username": "a"}'.encode("utf-16"), JSON, 400),
    "UTF-32": ('{"username": "a"}'.encode("utf-32"), JSON, 400),
    "a byte order mark": (b'\xef\xbb\xbf{"username": "a"}', JSON, 400),
    "invalid UTF-8": (b'{"username": "\xff\xfe"}', JSON, 400),
    "overlong UTF-8": (b'{"username": "\xc0\x80"}', JSON, 400),
    "a raw NUL": (b'{"username": "\x00"}', JSON, 400),
    "a bare NUL": (b"\0", JSON, 400),
    "null": (b"null", JSON, 400),
    "a number": (b"1", JSON, 400),
    "text": (b'"sent-by-the-caller"', JSON, 400),
    "true": (b"true", JSON, 400),
    "an array": (b'[{"username": "sent-by-the-caller"}]', JSON, 400),
    "single quotes": (b"{'username': 'sent-by-the-caller'}", JSON, 400),
    "a comment": (b"{} // sent-by-the-caller", JSON, 400),
    "two values": (b"{} {}", JSON, 400),
    "a trailing comma": (b'{"a": 1,}', JSON, 400),
    "white space": (b" \n", JSON, 400),
    "compressed, as it says nowhere": (b"\x1f\x8b\x08\0\0\0\0\0", JSON, 400),
    "plain text": (b'{"username": "sent-by-the-caller"}', "text/plain", 415),
    "no type": (b'{"username": "sent-by-the-caller"}', "", 415),
    "a form": (b"username=sent-by-the-caller&password=x", "application/x-www-form-urlencoded", 415),
    "other JSON": (b'{"username": "a"}', "application/x+json", 415),
    "other charset": (b'{"username": "a"}', "application/json; charset=utf-16", 415),
    "64 KiB and a byte": (b" " * 65_537, JSON, 413),
    "10 MB of form data": (b"\r" * 10_000_000, "multipart/form-data; boundary=x", 413),
    "1,000 parts": (
        b"".join(b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' for _ in range(1_000)),
        "multipart/form-data; boundary=x",
        415,
    ),
    "100,000 parts": (
        b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n' * 100_000,
        "multipart/form-data; boundary=x",
        413,
    ),
}

VALUES: dict[str, Any] = {
    "a number": 12345,
    "2^64": 2**64,
    "a fraction": 1.5,
    "true": True,
    "a list": [MARK],
    "an object": {MARK: MARK},
    "an operator": {"$ne": None},
    "a NUL": f"{MARK}\0",
    "only NUL": "\0" * 8,
    "controls": f"{MARK}\x01\x1b[31m\r\n",
    "markup": f"<script>{MARK}</script>",
    "a quote": f"' OR 1=1 -- {MARK}",
    "very long": MARK * 3_000,
    "an emoji": f"{MARK}\U0001f600",
    "right to left": f"\u202e{MARK}",
    "beyond everything": "\U0010ffff" * 100,
}
FIELDS = (
    "username",
    "email",
    "password",
    "remember",
    "token_delivery",
    "refresh_token",
    "username_from_email",
    "token",
    "current_password",
    "new_password",
    "end_other_sessions",
)


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    with memory_app() as app:
        yield app.test_client()


def routes(app: Flask) -> list[tuple[str, str]]:
    """Return every path and method of the app, with ids filled in."""
    return [
        (re.sub("<[^>]+>", "0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11", rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in sorted(rule.methods or ())
    ]


def with_body(app: Flask) -> list[tuple[str, str]]:
    """Return the path and method of every route that accepts a body."""
    return [
        (re.sub(r"<uuid:\w+>", str(UUID(int=0)), rule.rule), method)
        for rule in app.url_map.iter_rules()
        for method in sorted((rule.methods or set()) & {"POST", "PATCH"})
        if documentation(app.view_functions[rule.endpoint]).body
    ]


def assert_refused(answer: TestResponse, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.get_data(as_text=True)
    if answer.status_code >= 400:
        assert set(answer.get_json()) - {"fields"} == {"code", "message", "request_id"}
    assert MARK not in answer.get_data(as_text=True)
    assert MARK not in str(answer.headers)


def test_routes_with_a_body_are_found(memory: FlaskClient) -> None:
    found = set(with_body(memory.application))
    assert {("/auth/register", "POST"), ("/auth/password/reset", "POST"), ("/auth/me", "PATCH")} < found
    assert ("/auth/sessions/revoke-others", "POST") not in found


@pytest.mark.parametrize(("body", "kind", "status"), BODIES.values(), ids=BODIES.keys())
def test_malformed_body_is_refused(memory: FlaskClient, body: bytes, kind: str, status: int) -> None:
    answer = memory.post("/auth/register", data=body, headers={"Content-Type": kind})
    assert_refused(answer, status)


def test_every_route_refuses_a_body_that_is_no_json_object(memory: FlaskClient) -> None:
    headers = bearer(signed_in(memory)["access_token"])
    for path, method in with_body(memory.application):
        assert_refused(memory.open(path, method=method, json=[], headers=headers), 400)


@pytest.mark.nightly
@pytest.mark.parametrize(("body", "kind", "status"), BODIES.values(), ids=BODIES.keys())
def test_every_route_refuses_every_such_body(
    memory: FlaskClient, body: bytes, kind: str, status: int
) -> None:
    headers = bearer(signed_in(memory)["access_token"]) | {"Content-Type": kind}
    began = time.process_time()
    for path, method in with_body(memory.application):
        assert_refused(memory.open(path, method=method, data=body, headers=headers), status)
    assert time.process_time() - began < 5


@pytest.mark.nightly
@pytest.mark.parametrize(("body", "kind", "status"), BODIES.values(), ids=BODIES.keys())
def test_no_body_breaks_any_route(memory: FlaskClient, body: bytes, kind: str, status: int) -> None:
    for path, method in routes(memory.application):
        answer = memory.open(path, method=method, data=body, headers={"Content-Type": kind})
        # A database created without migrations is not ready.
        assert answer.status_code < 500 or path == "/health/ready"
        assert MARK not in answer.get_data(as_text=True)


def every_value() -> Iterator[Any]:
    """Yield the values, with most of them left to `make nightly`."""
    for name, value in VALUES.items():
        marks = pytest.mark.slow if name in {"2^64", "a NUL", "an operator"} else pytest.mark.nightly
        yield pytest.param(value, marks=marks, id=name)


@pytest.mark.parametrize("value", [*every_value()])
def test_malformed_value_in_any_field_is_no_500(app: Flask, client: FlaskClient, value: Any) -> None:
    token = signed_in(client)["access_token"]
    fine = {"username": "ada", "email": "ada@example.com", "password": PASSWORD, "token": "x"}
    fine |= {"current_password": PASSWORD, "new_password": PASSWORD, "refresh_token": "x"}
    for path, method in with_body(app):
        for field in FIELDS:
            answer = client.open(path, method=method, json=fine | {field: value}, headers=bearer(token))
            assert answer.status_code < 500, (path, field)
            if answer.status_code >= 400:
                assert_refused(answer, 400, 401, 403, 404, 409, 410, 413)
    stored = rows(app, "SELECT username, email FROM users")
    assert MARK not in str(stored)


@pytest.mark.parametrize("field", ["username", "email", "password"])
@pytest.mark.parametrize("value", [1, 2**64, 1.5, True, [], ["a"], {}, {"a": "b"}])
def test_a_field_of_the_wrong_type_is_named(memory: FlaskClient, field: str, value: Any) -> None:
    answer = register(memory, **{field: value})
    assert_refused(answer, 400)
    assert answer.get_json()["code"] == "validation_failed"
    assert list(answer.get_json()["fields"]) == [field]


def test_compression_is_refused(memory: FlaskClient) -> None:
    for encoding in ("gzip", "br", "deflate", "x"):
        answer = memory.post("/auth/login", json={"username": "a"}, headers={"Content-Encoding": encoding})
        assert_refused(answer, 415)
    assert register(memory, headers=None).status_code == 201


def test_body_of_64_kib_is_accepted_and_larger_is_refused(memory: FlaskClient) -> None:
    body = json.dumps({"username": "ada", "password": PASSWORD})
    for length, status in ((65_536, 401), (65_537, 413)):
        answer = memory.post("/auth/login", data=body.ljust(length), content_type="application/json")
        assert_refused(answer, status)


def test_long_password_is_refused_before_hashing() -> None:
    with memory_app() as app:
        counting = CountingHasher(app.extensions["auth_services"].hasher)
    with memory_app(hasher=counting) as app:
        client = app.test_client()
        began = time.process_time()
        for password in ("x" * 1_000_000, "a" + "\u0301" * 1_000_000):
            assert_refused(register(client, password=password), 413)
        for password in ("x" * 257, "a" + "\u0301" * 9_000, "\u0344" * 9_000):
            assert_refused(register(client, password=password), 400)
        assert time.process_time() - began < 5
        assert counting.calls == 0
        assert register(client, password="\U0001f600" * 256).status_code == 201


def test_megabyte_authorization_header_is_a_401(memory: FlaskClient) -> None:
    began = time.process_time()
    for token in ("x" * 1_000_000, "a.b." + "c" * 1_000_000, "." * 1_000_000, "a " * 500_000):
        assert_refused(me(memory, token), 401)
    assert time.process_time() - began < 5


def test_unknown_methods_are_a_405(memory: FlaskClient) -> None:
    for method in ("TRACE", "FOO", "PROPFIND", "CONNECT", MARK):
        assert_refused(memory.open("/auth/login", method=method), 405)
        assert_refused(memory.open("/nowhere", method=method), 404)


@pytest.mark.parametrize(
    "path",
    [
        "/%00",
        "/auth/me%00",
        "//auth/me",
        "/auth//me",
        "/auth/../ops",
        "/auth/%2e%2e/%2e%2e/etc/passwd",
        "/auth/sessions/%F0%9F%98%80",
        "/auth/sessions/%ff",
        "/auth/sessions/1' OR 1=1",
        "/auth/sessions/0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11\0",
        f"/auth/{MARK}",
        f"/{MARK * 5_000}",
        "/static/app.py",
        "/auth/ME",
        "/console?__debugger__=yes&cmd=resource&f=debugger.js",
    ],
)
def test_malformed_paths_are_refused(memory: FlaskClient, path: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert_refused(memory.open(path, method=method), 404, 405, 308)


def test_query_parameters_are_ignored(memory: FlaskClient) -> None:
    token = signed_in(memory)["access_token"]
    query = f"?access_token={token}&__debugger__=yes&user_id=2&x={MARK}"
    assert_refused(memory.get(f"/auth/me{query}"), 401)
    assert memory.get(f"/auth/me{query}", headers=bearer(token)).get_json()["user"]["id"] == 1


def test_unknown_fields_are_ignored(memory: FlaskClient) -> None:
    more: dict[str, Any] = {
        "id": 7,
        "user_id": 7,
        "is_admin": True,
        "email_verified": True,
        "__proto__": {},
        "": 1,
    }
    user = register(memory, **more).get_json()["user"]
    assert user["id"] == 1
    assert user["email_verified"] is False

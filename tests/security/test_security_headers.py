"""Security headers on every response."""

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from tests.support.memory_apps import memory_app
from tests.support.service import PASSWORD, bearer, register, signed_in

EXPECTED = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}


class Broken:
    """A hasher that fails."""

    def hash(self, _password: str) -> str:
        raise RuntimeError


@pytest.fixture
def memory() -> Iterator[Flask]:
    with memory_app() as app:
        yield app


def assert_headers(answer: TestResponse, status: int) -> None:
    assert answer.status_code == status
    assert {name: answer.headers.get(name) for name in EXPECTED} == EXPECTED
    assert len(answer.headers.getlist("Cache-Control")) == 1
    assert answer.headers["X-Request-Id"]
    assert "Server" not in answer.headers
    assert "X-Powered-By" not in answer.headers
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_every_answer_carries_the_security_headers(memory: Flask) -> None:
    client = memory.test_client()
    token = signed_in(client)["access_token"]
    assert_headers(register(client, "bob"), 201)
    assert_headers(client.get("/auth/me", headers=bearer(token)), 200)
    assert_headers(client.head("/auth/me", headers=bearer(token)), 200)
    assert_headers(client.get("/health/live"), 200)
    assert_headers(client.get("/openapi.json"), 200)
    assert_headers(client.options("/auth/login"), 200)
    assert_headers(client.post("/auth/login"), 400)
    assert_headers(client.get("/auth/me"), 401)
    assert_headers(client.get("/nowhere"), 404)
    assert_headers(client.get("/auth/login"), 405)
    assert_headers(register(client), 409)
    large = client.post("/auth/login", data=b"x" * 70_000, content_type="application/json")
    assert_headers(large, 413)
    assert_headers(client.post("/auth/login", data="x", content_type="text/plain"), 415)
    assert_headers(client.post("/auth/logout", headers=bearer(token)), 204)


@pytest.mark.provokes_errors
def test_500_response_has_the_security_headers() -> None:
    with memory_app(hasher=Broken()) as app:
        assert_headers(register(app.test_client()), 500)


def test_hsts_is_sent_only_with_an_https_public_url(memory: Flask) -> None:
    assert "Strict-Transport-Security" not in memory.test_client().get("/nowhere").headers
    with memory_app({"PUBLIC_URL": "https://auth.example.com"}) as app:
        for path in ("/health/live", "/nowhere", "/auth/me"):
            strict = app.test_client().get(path).headers["Strict-Transport-Security"]
            assert strict == "max-age=63072000; includeSubDomains"


def test_unlisted_origin_gets_no_cors_headers(memory: Flask) -> None:
    client = memory.test_client()
    for origin in (
        "https://evil.example",
        "null",
        "http://localhost:8000.evil.example",
        "http://LOCALHOST:8000",
    ):
        for path in ("/auth/me", "/AUTH/me", "//auth/me", "/auth/me+x", "/auth/login", "/nowhere"):
            for method in ("GET", "POST", "OPTIONS"):
                headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
                answer = client.open(path, method=method, headers=headers)
                assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]
                assert origin not in answer.get_data(as_text=True)


def test_an_answer_is_json_or_empty(memory: Flask) -> None:
    client = memory.test_client()
    accept = {"Accept": "text/html"}
    assert client.get("/nowhere").content_type == "application/json"
    assert client.get("/auth/nowhere", headers=accept).content_type == "application/json"
    body = {"username": "<script>", "password": PASSWORD}
    assert client.post("/auth/login", json=body, headers=accept).content_type == "application/json"
    gone = client.post("/auth/logout")
    assert (gone.data, "Content-Type" in gone.headers) == (b"", False)

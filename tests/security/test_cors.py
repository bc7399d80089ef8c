"""CORS: only listed origins may read responses, and never with cookies."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.memory_apps import memory_app
from tests.support.production import faults, load
from tests.support.service import FixedClock, bearer, login, signed_in
from tests.support.small_limits import limits
from utils.web.http import documentation

PAGE = "https://app.example.com"
LOCAL = "http://localhost:5173"
ALLOWED = {"CORS_ORIGINS": f"{PAGE}, {LOCAL}"}
OTHERS = [
    "https://evil.example",
    "null",
    "https://app.example.com.evil.example",
    "https://app.example.comevil.example",
    "https://evil-app.example.com",
    "https://evil.app.example.com",
    "https://evil.example/https://app.example.com",
    "https://evil.example#https://app.example.com",
    "https://app.example.com@evil.example",
    "https://appXexample.com",  # in case it is treated as a pattern
    "https://APP.example.com",
    "HTTPS://app.example.com",
    "http://app.example.com",
    "https://app.example.com:443",
    "https://app.example.com:8443",
    "https://app.example.com/",
    "https://app.example.com\\",
    "https://app.example.com\x0b",
    " https://app.example.com,https://evil.example",
    "https://app.example.co",
    "app.example.com",
    "http://localhost",
    "http://localhost:51730",
    "http://127.0.0.1:5173",
    "*",
]
ODD_PATHS = ["//auth/login", "/auth//login", "/AUTH/LOGIN", "/auth/login/", "/auth/+", "/+", "/auth/login+x"]
ODD_PATHS += ["/", "//", "/nowhere", "/auth/%2e%2e/login", "/auth/me;x", "/auth/sessions/1", "/auth/lo%0agin"]


@pytest.fixture
def memory() -> Iterator[FlaskClient]:
    clock = FixedClock()
    with memory_app(ALLOWED, clock=clock, limiter=limits(clock, login=3)) as app:
        yield app.test_client()


def calls(app: Flask) -> list[tuple[str, str]]:
    """Return every route with each of its methods but those for any origin, and paths that are no route."""
    routes = [
        (method, re.sub("<.*?>", "0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11", rule.rule))
        for rule in app.url_map.iter_rules()
        if not documentation(app.view_functions[rule.endpoint]).any_origin
        for method in sorted(rule.methods or set())
    ]
    return routes + [(method, path) for path in ODD_PATHS for method in ("GET", "POST", "OPTIONS")]


def cors_headers(answer: TestResponse) -> dict[str, str]:
    return {name: value for name, value in answer.headers if name.lower().startswith("access-control-")}


def preflight(client: FlaskClient, origin: str, path: str = "/auth/login", **more: str) -> TestResponse:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    headers = {"Origin": origin} | asked | {name.replace("_", "-"): value for name, value in more.items()}
    return client.options(path, headers=headers)


@pytest.mark.parametrize("origin", OTHERS)
def test_unlisted_origin_gets_no_cors_headers(memory: FlaskClient, origin: str) -> None:
    for path in ("/auth/me", "/health/live", "/login", "/nowhere"):
        assert cors_headers(memory.get(path, headers={"Origin": origin})) == {}, path
    assert cors_headers(preflight(memory, origin)) == {}


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_unlisted_origin_gets_no_cors_headers_on_any_path(memory: FlaskClient, origin: str) -> None:
    for method, path in calls(memory.application):
        answer = memory.open(path, method=method, headers={"Origin": origin})
        assert cors_headers(answer) == {}, (method, path)


@pytest.mark.parametrize("origin", [PAGE, LOCAL])
def test_listed_origin_may_read_every_response(memory: FlaskClient, origin: str) -> None:
    statuses = set()
    for method, path in calls(memory.application) + [("POST", "/auth/login")] * 4:
        answer = memory.open(path, method=method, headers={"Origin": origin})
        assert cors_headers(answer) == {
            "Access-Control-Allow-Origin": origin,
            "Access-Control-Expose-Headers": "RateLimit, RateLimit-Policy, Retry-After, X-Request-Id",
        }, (method, path)
        statuses.add(answer.status_code)
    assert {200, 400, 401, 404, 405, 429} <= statuses


def test_preflight_allows_json_with_a_token(memory: FlaskClient) -> None:
    wanted = "authorization, content-type, x-evil"
    answer = preflight(memory, PAGE, Access_Control_Request_Headers=wanted)
    found = cors_headers(answer)
    assert answer.status_code == 200
    assert found["Access-Control-Allow-Origin"] == PAGE
    assert found["Access-Control-Allow-Headers"] == "authorization, content-type"
    assert set(found["Access-Control-Allow-Methods"].split(", ")) == {"GET", "POST", "PATCH", "DELETE"}
    assert found["Access-Control-Max-Age"] == "600"
    refused = preflight(memory, PAGE, Access_Control_Request_Method="TRACE")
    assert "Access-Control-Allow-Methods" not in refused.headers


def test_preflight_is_not_rate_limited(memory: FlaskClient) -> None:
    assert all(preflight(memory, PAGE).status_code == 200 for _ in range(10))
    assert login(memory).status_code == 401


def test_credentials_and_private_network_access_are_never_allowed(memory: FlaskClient) -> None:
    for origin in (PAGE, OTHERS[0]):
        answer = preflight(memory, origin, Access_Control_Request_Private_Network="true")
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert "Access-Control-Allow-Private-Network" not in answer.headers


def test_cookie_login_from_another_origin_is_refused(memory: FlaskClient) -> None:
    signed_in(memory)
    body = {"username": "ada", "password": "correct horse battery", "token_delivery": "cookie"}
    answer = memory.post("/auth/login", json=body, headers={"Origin": PAGE, "Sec-Fetch-Site": "same-site"})
    assert answer.get_json()["code"] == "cross_site_refused"
    assert "Set-Cookie" not in answer.headers


def test_responses_vary_by_origin(memory: FlaskClient) -> None:
    for headers in ({}, {"Origin": PAGE}, {"Origin": "https://evil.example"}):
        for path in ("/auth/me", "/openapi.json", "/docs/page.js", "/nowhere"):
            [vary] = memory.get(path, headers=headers).headers.getlist("Vary")
            assert vary.removeprefix("Accept-Language, ") == "Origin", path  # refusals vary by language, too


def test_listed_origin_can_register_log_in_refresh_and_log_out(memory: FlaskClient) -> None:
    headers = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
    ada = {"username": "ada", "email": "ada@example.com", "password": "correct horse battery"}
    assert memory.post("/auth/register", json=ada, headers=headers).status_code == 201
    pair = memory.post("/auth/login", json=ada, headers=headers).get_json()
    pair = memory.post(
        "/auth/refresh", json={"refresh_token": pair["refresh_token"]}, headers=headers
    ).get_json()
    assert memory.get("/auth/me", headers=headers | bearer(pair["access_token"])).status_code == 200
    assert memory.post("/auth/logout", headers=headers | bearer(pair["access_token"])).status_code == 204
    assert memory.get("/auth/me", headers=headers | bearer(pair["access_token"])).status_code == 401


def test_no_origin_is_allowed_by_default() -> None:
    with memory_app() as app:
        for method, path in calls(app):
            assert cors_headers(app.test_client().open(path, method=method, headers={"Origin": PAGE})) == {}
        assert cors_headers(preflight(app.test_client(), PAGE)) == {}


def test_wildcard_origin_is_refused_in_production() -> None:
    (fault,) = faults(CORS_ORIGINS="*")
    assert fault.startswith("CORS_ORIGINS must list origins")
    with memory_app({"CORS_ORIGINS": "*"}) as app:
        answer = app.test_client().get("/auth/me", headers={"Origin": "https://anything.example:8443"})
        assert answer.headers["Access-Control-Allow-Origin"] == "https://anything.example:8443"
        assert "Access-Control-Allow-Credentials" not in answer.headers
        assert cors_headers(app.test_client().get("/auth/me", headers={"Origin": "null"})) == {}


def test_cors_origins_are_normalised_and_validated() -> None:
    assert load(CORS_ORIGINS="https://App.Example.com/ ,http://localhost:5173").cors_origins == (PAGE, LOCAL)
    for wrong in ("app.example.com", "https://*.example.com/path", "*,https://a.example", "null", "https://"):
        assert faults(CORS_ORIGINS=wrong)[0].startswith("CORS_ORIGINS ")

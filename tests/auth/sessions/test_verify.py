"""`GET /auth/verify`: token verification for proxies and other services."""

from collections.abc import Callable
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.service import FixedClock, bearer, execute, rows, signed_in
from tests.support.small_limits import limits
from utils.auth_helpers import generate_jwt_token


def verify(client: FlaskClient, token: str, **headers: str) -> TestResponse:
    return client.get("/auth/verify", headers=bearer(token) | headers)


def test_valid_token_is_a_204_with_user_headers(client: FlaskClient) -> None:
    answer = verify(client, signed_in(client)["access_token"])
    assert answer.status_code == 204
    assert answer.data == b""
    assert answer.headers["X-Auth-User-Id"] == "1"
    assert answer.headers["X-Auth-Username"] == "ada"
    assert "Content-Type" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["жанна", "ελένη", "山田太郎", "a.b_c-d"])
def test_username_in_any_script_is_percent_encoded_in_the_header(client: FlaskClient, name: str) -> None:
    client.post(
        "/auth/register",
        json={"username": name, "email": "x@example.com", "password": "correct horse battery"},
    )
    token = client.post(
        "/auth/login", json={"username": name, "password": "correct horse battery"}
    ).get_json()
    sent = verify(client, token["access_token"]).headers["X-Auth-Username"]
    assert sent.isascii()
    assert unquote(sent, errors="strict") == name


def test_username_cannot_inject_a_header(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    execute(app, "UPDATE users SET username = :name", name="ada\r\nX-Auth-User-Id: 7 /%")
    answer = verify(client, token)
    assert answer.headers.getlist("X-Auth-User-Id") == ["1"]
    assert answer.headers["X-Auth-Username"] == "ada%0D%0AX-Auth-User-Id%3A%207%20%2F%25"


def test_user_headers_of_the_caller_are_ignored(client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    answer = verify(client, token, **{"X-Auth-User-Id": "7", "X-Auth-Username": "root"})
    assert (answer.headers["X-Auth-User-Id"], answer.headers["X-Auth-Username"]) == ("1", "ada")
    refused = verify(client, "x", **{"X-Auth-User-Id": "7"})
    assert refused.status_code == 401
    assert "X-Auth-User-Id" not in refused.headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "token_missing"),
        ({"Authorization": "Basic YTpi"}, "token_malformed"),
        ({"Authorization": "Bearer x"}, "token_invalid"),
        ({"Cookie": "__Host-refresh=x"}, "token_missing"),
    ],
)
def test_missing_or_invalid_token_is_a_401(client: FlaskClient, headers: dict[str, str], code: str) -> None:
    answer = client.get("/auth/verify", headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def _log_out(app: Flask, token: str) -> None:
    app.test_client().post("/auth/logout", headers=bearer(token))


def _disable(app: Flask, token: str) -> None:
    assert app.test_cli_runner().invoke(args=["auth", "disable", "ada"]).exit_code == 0


def _end_elsewhere(app: Flask, token: str) -> None:
    other = signed_in(app.test_client())["access_token"]
    app.test_client().post("/auth/sessions/revoke-others", headers=bearer(other))


@pytest.mark.parametrize("end", [_log_out, _disable, _end_elsewhere])
def test_revocation_is_seen_at_once_by_another_process(
    make_app: AppFactory, end: Callable[[Flask, str], None]
) -> None:
    here, there = make_app(), make_app()
    token = signed_in(here.test_client())["access_token"]
    assert [verify(app.test_client(), token).status_code for app in (here, there)] == [204, 204]
    end(here, token)
    assert [verify(app.test_client(), token).status_code for app in (here, there)] == [401, 401]


def test_expired_token_is_a_401(client: FlaskClient, clock: FixedClock) -> None:
    token = signed_in(client)["access_token"]
    clock.advance(3599)
    assert verify(client, token).status_code == 204
    clock.advance(1)
    assert verify(client, token).status_code == 401


def test_verify_has_no_rate_limit(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, reads=1))
    token = signed_in(app.test_client())["access_token"]
    assert {verify(app.test_client(), token).status_code for _ in range(20)} == {204}
    assert "RateLimit" not in verify(app.test_client(), token).headers


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "POST", "PUT", "DELETE", "TRACE", "PROPFIND"])
def test_every_method_is_refused_without_a_token(make_app: AppFactory, method: str) -> None:
    for environ in ({}, {"CORS_ORIGINS": "https://app.example.com"}):
        client = make_app(environ).test_client()
        asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "GET"}
        for headers in ({}, asked):
            answer = client.open("/auth/verify", method=method, headers=headers)
            assert answer.status_code == (401 if method in {"GET", "HEAD"} else 405)


def test_nonce_comes_back_with_every_answer(client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    for path, sent, status in (("", token, 204), ("", "x", 401), ("?permission=a:b", token, 403)):
        nonce = f"{status:032x}"
        headers = bearer(sent) | {"X-Auth-Nonce": nonce}
        answer = client.get(f"/auth/verify{path}", headers=headers)
        assert answer.status_code == status
        assert answer.headers.getlist("X-Auth-Nonce") == [nonce]
        assert answer.headers["Cache-Control"] == "no-store"
    assert "X-Auth-Nonce" not in verify(client, token).headers


@pytest.mark.parametrize("sent", ["", "a" * 31, "a" * 33, "A" * 32, "g" * 32, "a" * 31 + "\xe4", "x, y"])
def test_anything_but_a_nonce_does_not_come_back(client: FlaskClient, sent: str) -> None:
    token = signed_in(client)["access_token"]
    answer = verify(client, token, **{"X-Auth-Nonce": sent})
    assert answer.status_code == 204
    assert "X-Auth-Nonce" not in answer.headers


def test_token_without_session_is_verified(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    with app.app_context():
        token = generate_jwt_token(1)
    assert verify(client, token).status_code == 204
    assert client.head("/auth/verify", headers=bearer(token)).status_code == 204
    assert len(rows(app, "SELECT id FROM sessions")) == 1

"""`VERIFY_COOKIE`: a cookie that opens `GET /auth/verify` alone, for a proxy in front of a site."""

import base64
import itertools
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from auth import tokens
from tests.conftest import AppFactory
from tests.support.authenticator_app import Owner
from tests.support.passkeys import add, options_of
from tests.support.requests import said
from tests.support.roles import editor
from tests.support.service import FixedClock, bearer, execute, login, me, refresh, register, signed_in
from tests.support.sign_ups import confirm, link, sign_up
from tests.support.soft_passkey import SoftPasskey
from utils.crypto.signed_ids import MAC_BYTES
from utils.services import services

APP = "https://app.example.com"
SETTINGS = {
    "PUBLIC_URL": "https://auth.example.com",
    "RETURN_ORIGINS": APP,
    "VERIFY_COOKIE": "example.com",
}
SAME = {"Sec-Fetch-Site": "same-origin"}
NAME = "__Secure-verify"
READ = {"X-Original-Method": "GET", "X-Original-URL": f"{APP}/page?a=1"}
WRITE = READ | {"X-Original-Method": "POST", "X-Original-Origin": APP}
LOGIN_PAGE = "https://auth.example.com/login?next=https%3A%2F%2Fapp.example.com%2Fpage%3Fa%3D1"


@pytest.fixture
def app(make_app: AppFactory) -> Flask:
    return make_app(SETTINGS)


def by_cookie(client: FlaskClient, **more: Any) -> TestResponse:
    register(client)
    answer = login(client, token_delivery="cookie", headers=SAME, **more)
    assert answer.status_code == 200, answer.get_json()
    return answer


def lines(answer: TestResponse, name: str = NAME) -> list[str]:
    """Return the Set-Cookie lines of this name."""
    return [line for line in answer.headers.getlist("Set-Cookie") if line.startswith(f"{name}=")]


def value_of(answer: TestResponse, name: str = NAME) -> str:
    (line,) = lines(answer, name)
    return line.partition(";")[0].partition("=")[2]


def bare(client: FlaskClient) -> FlaskClient:
    return client.application.test_client(use_cookies=False)


def verify(client: FlaskClient, value: str, query: str = "", **headers: Any) -> TestResponse:
    """Ask as a proxy does for a request that reads, with these headers instead if they are given."""
    sent = headers or READ
    return bare(client).get(f"/auth/verify{query}", headers={"Cookie": f"{NAME}={value}", **sent})


def with_refresh(client: FlaskClient, path: str, login_: TestResponse, **more: str) -> TestResponse:
    """Send a POST with the refresh cookie of a login, and other cookies."""
    sent = {"__Host-refresh": value_of(login_, "__Host-refresh"), **more}
    cookie = "; ".join(f"{name}={value}" for name, value in sent.items())
    return bare(client).post(path, json={}, headers={"Cookie": cookie, **SAME})


def test_login_sets_a_cookie_with_exactly_these_attributes(client: FlaskClient) -> None:
    (line,) = lines(by_cookie(client))
    attributes = {part for part in line.split("; ")[1:] if not part.startswith("Expires=")}
    assert attributes == {
        *("Domain=example.com", "Path=/", "Secure", "HttpOnly", "SameSite=Lax", "Max-Age=600"),
    }
    (remembered,) = lines(by_cookie(client, remember=True))
    assert "Max-Age=600;" in remembered


def test_refresh_sets_the_cookie(client: FlaskClient, clock: FixedClock) -> None:
    first = by_cookie(client)
    clock.advance(590)
    renewed = with_refresh(client, "/auth/refresh", first)
    clock.advance(590)
    assert verify(client, value_of(first)).status_code == 401
    assert verify(client, value_of(renewed)).status_code == 204


def test_second_step_and_passkey_set_the_cookie(client: FlaskClient, clock: FixedClock) -> None:
    owner, passkey, home = Owner(client, clock), SoftPasskey(), SETTINGS["PUBLIC_URL"]
    assert add(client, owner.access, passkey, origin=home)[0].status_code == 201
    asked = login(client, token_delivery="cookie", headers=SAME)
    assert lines(asked) == []  # the password alone opens nothing
    code = owner.phone.next_code()
    done = client.post("/auth/login/second-factor", json={"code": code}, headers=SAME)
    assert verify(client, value_of(done)).status_code == 204
    body = {"credential": passkey.get(options_of(client), origin=home), "token_delivery": "cookie"}
    done = client.post("/auth/login/passkey", json=body, headers=SAME)
    assert verify(client, value_of(done)).status_code == 204


def test_confirmation_of_a_sign_up_sets_the_cookie(app: Flask, client: FlaskClient) -> None:
    asked = sign_up(client)
    assert lines(asked) == []
    assert verify(client, value_of(confirm(client, link(app)))).status_code == 204


def test_delivery_in_the_body_sets_no_cookie(client: FlaskClient) -> None:
    register(client)
    pair = login(client)
    for answer in (pair, refresh(client, pair.get_json()["refresh_token"])):
        assert answer.status_code == 200
        assert lines(answer) == []


def test_without_the_setting_the_cookie_is_neither_set_nor_accepted(
    client: FlaskClient, make_app: AppFactory
) -> None:
    value = value_of(by_cookie(client))
    off = make_app(SETTINGS | {"VERIFY_COOKIE": ""}).test_client()
    assert verify(client, value).status_code == 204
    assert lines(by_cookie(off)) == []
    refused = verify(off, value)
    assert said(refused) == (401, "token_missing")
    assert "Location" not in refused.headers


def test_cookie_opens_verify_like_a_token(app: Flask, client: FlaskClient) -> None:
    value = value_of(by_cookie(client))
    answer = verify(client, value)
    assert (answer.status_code, answer.data) == (204, b"")
    assert (answer.headers["X-Auth-User-Id"], answer.headers["X-Auth-Username"]) == ("1", "ada")
    assert verify(client, value, **WRITE).status_code == 204
    assert said(verify(client, value, "?permission=reports:read")) == (403, "permission_missing")
    editor(app)
    assert verify(client, value, "?permission=reports:read").status_code == 204


def test_cookie_opens_nothing_but_verify(app: Flask, client: FlaskClient) -> None:
    value = value_of(by_cookie(client))
    sent = {"Cookie": f"{NAME}={value}", **SAME, **READ}
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith("/auth/") or rule.rule == "/auth/verify" or rule.arguments:
            continue
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
            with_it, without = (
                bare(client).open(rule.rule, method=method, json={}, headers=headers)
                for headers in (sent, SAME | READ)
            )
            assert said_or_empty(with_it) == said_or_empty(without), (method, rule.rule)
    assert verify(client, value).status_code == 204  # no call has ended the session
    for name in ("__Host-refresh", "__Host-challenge", "__Host-device"):
        headers = {"Cookie": f"{name}={value}", **SAME}
        assert bare(client).post("/auth/refresh", json={}, headers=headers).status_code == 401
    assert me(bare(client), value).status_code == 401
    assert refresh(bare(client), value).status_code == 401


def said_or_empty(answer: TestResponse) -> tuple[int, str]:
    body = answer.get_json() if answer.is_json else {}
    return answer.status_code, body.get("code", "")


@pytest.mark.parametrize("header", ["", " ", "Bearer", "Bearer x", "Basic YTpi"])
def test_cookie_does_not_count_beside_an_authorization_header(client: FlaskClient, header: str) -> None:
    value = value_of(by_cookie(client))
    refused = verify(client, value, **READ, Authorization=header)
    assert (refused.status_code, refused.headers.get("Location")) == (401, None)
    other = signed_in(client, "grace")["access_token"]
    assert verify(client, value, **READ, **bearer(other)).headers["X-Auth-Username"] == "grace"


def test_logout_counts_at_once_and_clears_the_cookie(client: FlaskClient, make_app: AppFactory) -> None:
    there = make_app(SETTINGS).test_client()
    done = by_cookie(client)
    value = value_of(done)
    assert verify(there, value).status_code == 204
    out = with_refresh(client, "/auth/logout", done)
    (line,) = lines(out)
    assert line.startswith(f"{NAME}=;")
    assert {"Domain=example.com", "Path=/", "HttpOnly", "SameSite=Lax", "Max-Age=0"} <= {*line.split("; ")}
    for process in (client, there):
        assert verify(process, value).status_code == 401


def test_every_end_of_the_session_clears_the_cookie(client: FlaskClient) -> None:
    for method, path in (
        ("POST", "/auth/logout"),
        ("POST", "/auth/authorizations/logout"),
        ("DELETE", "/auth/me"),
    ):
        done = by_cookie(client)
        client.set_cookie(NAME, value_of(done), domain="localhost")
        headers = bearer(done.get_json()["access_token"]) | SAME
        answer = client.open(path, method=method, json={"confirmed": True}, headers=headers)
        assert lines(answer)[0].startswith(f"{NAME}=;"), path
        assert verify(client, value_of(done)).status_code == 401, path


@pytest.mark.parametrize(
    "end",
    [
        "UPDATE sessions SET ended_at = created_at, end_reason = 'revoked'",
        "UPDATE sessions SET idle_end = created_at",
        "UPDATE sessions SET absolute_end = created_at",
        "UPDATE users SET disabled_at = created_at",
        "DELETE FROM sessions",
    ],
)
def test_what_ends_a_session_ends_its_cookie(app: Flask, client: FlaskClient, end: str) -> None:
    value = value_of(by_cookie(client))
    execute(app, end)
    assert said(verify(client, value)) == (401, "token_invalid")


def test_cookie_expires_after_ten_minutes(client: FlaskClient, clock: FixedClock) -> None:
    value = value_of(by_cookie(client))
    clock.advance(599)
    assert verify(client, value).status_code == 204
    clock.advance(1)
    refused = verify(client, value)
    assert said(refused) == (401, "token_missing")
    assert refused.headers["Location"] == LOGIN_PAGE


def test_cookie_of_an_account_that_must_set_up_a_factor_opens_nothing(make_app: AppFactory) -> None:
    client = make_app(SETTINGS | {"REQUIRE_SECOND_FACTOR": "true"}).test_client()
    answer = verify(client, value_of(by_cookie(client)))
    assert said(answer) == (403, "second_factor_setup_required")


def test_changed_cookie_is_refused(client: FlaskClient) -> None:
    value = value_of(by_cookie(client))
    raw = bytearray(base64.urlsafe_b64decode(value))
    for place in range(len(raw)):
        changed = bytearray(raw)
        changed[place] ^= 1
        text = base64.urlsafe_b64encode(changed).decode()
        assert verify(client, text).status_code == 401, place
    for text in ("", "x", value[:-1], f"{value}A", f"{value}=", f"{value}.{value}", "A" * len(value), "é"):
        assert verify(client, text).status_code == 401, text


def test_cookie_has_a_key_of_its_own(app: Flask, client: FlaskClient) -> None:
    done = by_cookie(client)
    head = base64.urlsafe_b64decode(value_of(done))[:-MAC_BYTES]
    names = ("_REFRESH", "_ONE_TIME", "_CHALLENGE", "_DEVICE", "_PASSKEY_LOGIN", "_SIGN_UP")
    signers = [getattr(tokens, name) for name in names]
    with app.app_context():
        for signer, parts in itertools.product(signers, ((head,), (head, b""), ())):
            assert verify(client, signer.text(services(), head, *parts)).status_code == 401
    assert verify(client, value_of(done, "__Host-refresh")).status_code == 401
    assert verify(client, value_of(done, "__Host-device")).status_code == 401


def test_previous_secret_key_verifies_the_cookie(client: FlaskClient, make_app: AppFactory) -> None:
    value = value_of(by_cookie(client))
    former = client.application.config["SECRET_KEY"]
    key = "Vq3Zt8Lw1Xc6Rb9Np4Ky7Jm2Hd5Gf0SaTuE"
    rotated = make_app(SETTINGS | {"FLASK_SECRET_KEY": key, "FLASK_PREVIOUS_SECRET_KEYS": former})
    assert verify(rotated.test_client(), value).status_code == 204
    assert verify(make_app(SETTINGS | {"FLASK_SECRET_KEY": key}).test_client(), value).status_code == 401


REFUSED: list[dict[str, str]] = [
    {"X-Original-Origin": APP, "X-Original-URL": READ["X-Original-URL"]},  # no method
    {"X-Original-Method": "POST"},
    {"X-Original-Method": "POST", "X-Original-URL": READ["X-Original-URL"]},
    {"X-Original-Method": "POST", "X-Original-Origin": APP},
    WRITE | {"X-Original-Origin": "https://evil.example.com"},
    WRITE | {"X-Original-Origin": "null"},
    WRITE | {"X-Original-URL": "https://evil.example.com/"},
    {**WRITE, "X-Original-Method": "get", "X-Original-Origin": "null"},
]


@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_request_of_another_site_is_refused(client: FlaskClient, headers: dict[str, str]) -> None:
    value = value_of(by_cookie(client))
    assert said(verify(client, value, **headers)) == (401, "token_missing")
    assert verify(client, value).status_code == 204


def test_refusal_names_the_login_page_for_a_return_origin_only(client: FlaskClient) -> None:
    refused = bare(client).get("/auth/verify", headers=READ)
    assert said(refused) == (401, "token_missing")
    assert (refused.headers["Location"], refused.headers["WWW-Authenticate"]) == (LOGIN_PAGE, "Bearer")
    for url in ("https://evil.example/", "https://app.example.com@evil.example/", "/page", ""):
        answer = bare(client).get("/auth/verify", headers=READ | {"X-Original-URL": url})
        assert (answer.status_code, answer.headers.get("Location")) == (401, None)
    value = value_of(by_cookie(client))
    assert "Location" not in verify(client, value).headers
    assert "Location" not in verify(client, value, "?permission=reports:read").headers

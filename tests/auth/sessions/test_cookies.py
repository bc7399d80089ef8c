"""The refresh token as a cookie: attributes, same-origin checks, and replacement of the previous session."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.service import (
    CountingHasher,
    FixedClock,
    bearer,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.passwords.hashing import PasswordHasher

COOKIE = "__Host-refresh"
SAME = {"Sec-Fetch-Site": "same-origin"}
HOME = {"Origin": "http://localhost:8000"}


def by_cookie(client: FlaskClient, name: str = "ada", **more: Any) -> TestResponse:
    register(client, name)
    answer = login(client, name, **({"token_delivery": "cookie", "headers": SAME} | more))
    assert answer.status_code == 200, answer.get_json()
    return answer


def set_cookie(answer: TestResponse) -> str:
    """Return the Set-Cookie line of the refresh cookie; a login also sets the device cookie."""
    lines = answer.headers.getlist("Set-Cookie")
    (line,) = (line for line in lines if not line.startswith("__Host-device="))
    return line


def cookie_of(answer: TestResponse) -> str:
    """Return the value of the refresh cookie that a response sets."""
    name, _, value = set_cookie(answer).partition(";")[0].partition("=")
    assert name == COOKIE
    return value


def attributes(answer: TestResponse) -> set[str]:
    line = set_cookie(answer)
    return set(line.split("; ")[1:])


def send(client: FlaskClient, path: str, cookie: str, body: object = None, **headers: str) -> TestResponse:
    """Send a POST with exactly this Cookie header, ignoring the client's cookies."""
    client = client.application.test_client(use_cookies=False)
    return client.post(path, json=body, headers=[("Cookie", cookie), *headers.items()])


def with_cookie(client: FlaskClient, path: str, value: str, body: object = None) -> TestResponse:
    return client.application.test_client(use_cookies=False).post(
        path, json=body, headers={"Cookie": f"{COOKIE}={value}", **SAME}
    )


def test_the_cookie_has_exactly_these_attributes(client: FlaskClient) -> None:
    answer = by_cookie(client)
    assert attributes(answer) == {"Path=/", "HttpOnly", "Secure", "SameSite=Strict"}
    assert "refresh_token" not in answer.get_json()
    assert cookie_of(answer) not in answer.get_data(as_text=True)


def test_remembered_cookie_has_max_age(client: FlaskClient, clock: FixedClock) -> None:
    answer = by_cookie(client, remember=True)
    age = {item for item in attributes(answer) if not item.startswith("Expires=")}
    assert age == {"Path=/", "HttpOnly", "Secure", "SameSite=Strict", f"Max-Age={30 * 86400}"}
    for _ in range(3):  # the absolute end comes nearer than the idle one
        clock.advance(25 * 86400)
        answer = with_cookie(client, "/auth/refresh", cookie_of(answer))
    assert f"Max-Age={15 * 86400}" in attributes(answer)


def test_delivery_in_the_body_sets_no_cookie(client: FlaskClient) -> None:
    register(client)
    for answer in (login(client), login(client, token_delivery="body")):
        assert "Set-Cookie" not in answer.headers
        assert answer.get_json()["refresh_token"]
    assert login(client, token_delivery="carrier pigeon").status_code == 400


@pytest.mark.parametrize("body", [None, {}, {"refresh_token": None}, {"refresh_token": ""}])
def test_refresh_and_logout_by_cookie(client: FlaskClient, body: object) -> None:
    first = by_cookie(client)
    second = with_cookie(client, "/auth/refresh", cookie_of(first), body)
    assert second.status_code == 200
    assert set(second.get_json()) == {"access_token", "token_type", "expires_in"}
    assert cookie_of(second) != cookie_of(first)
    assert attributes(second) == {"Path=/", "HttpOnly", "Secure", "SameSite=Strict"}
    out = with_cookie(client, "/auth/logout", cookie_of(second), body)
    assert (out.status_code, out.data) == (204, b"")
    assert cookie_of(out) == ""
    assert {"Max-Age=0", "Path=/", "HttpOnly", "Secure", "SameSite=Strict"} <= attributes(out)
    assert out.headers["Clear-Site-Data"]
    assert me(client, second.get_json()["access_token"]).status_code == 401
    again = with_cookie(client, "/auth/refresh", cookie_of(second))
    assert again.get_json()["code"] == "refresh_token_invalid"


def test_refresh_token_in_both_cookie_and_body_is_refused(client: FlaskClient) -> None:
    cookie = cookie_of(by_cookie(client))
    for token in (cookie, "something else", signed_in(client)["refresh_token"]):
        answer = with_cookie(client, "/auth/refresh", cookie, {"refresh_token": token})
        assert (answer.status_code, set(answer.get_json()["fields"])) == (400, {"refresh_token"})
    assert with_cookie(client, "/auth/refresh", cookie).status_code == 200


REFUSED: list[dict[str, str]] = [
    {},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "none"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "Same-Origin"},
    {"Sec-Fetch-Site": "cross-site", **HOME},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://localhost:8000.evil.example"},
    {"Origin": "http://evil.example"},
    {"Origin": "https://localhost:8000"},
    {"Origin": "http://localhost"},
    {"Origin": "http://localhost:8000/"},
    {"Origin": "http://evil.example", "Host": "evil.example"},
    {"Referer": "http://localhost:8000/"},
]


@pytest.mark.parametrize("headers", REFUSED, ids=str)
def test_another_site_cannot_use_the_cookie(client: FlaskClient, headers: dict[str, str]) -> None:
    first = by_cookie(client)
    cookie = f"{COOKIE}={cookie_of(first)}"
    for path in ("/auth/refresh", "/auth/logout"):
        answer = send(client, path, cookie, {}, **headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "cross_site_refused")
        assert "Set-Cookie" not in answer.headers
    assert login(client, token_delivery="cookie", headers=headers).status_code == 403
    assert me(client, first.get_json()["access_token"]).status_code == 200
    assert with_cookie(client, "/auth/refresh", cookie_of(first)).status_code == 200


@pytest.mark.parametrize("headers", [SAME, HOME, {**SAME, "Origin": "http://evil.example"}], ids=str)
def test_same_origin_request_with_refresh_cookie_is_accepted(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    cookie = f"{COOKIE}={cookie_of(by_cookie(client, headers=headers))}"
    answer = send(client, "/auth/refresh", cookie, {}, **headers)
    assert answer.status_code == 200
    assert send(client, "/auth/logout", f"{COOKIE}={cookie_of(answer)}", {}, **headers).status_code == 204


def test_allowed_origin_comes_from_public_url(make_app: AppFactory) -> None:
    client = make_app({"PUBLIC_URL": "https://auth.example.com"}).test_client()
    register(client)
    home = {"Origin": "https://auth.example.com"}
    assert login(client, token_delivery="cookie", headers=home).status_code == 200
    assert login(client, token_delivery="cookie", headers=HOME).status_code == 403


@pytest.mark.parametrize("body", ["{", "[]", '{"refresh_token": 5}', "x" * 70_000])
@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/logout"])
def test_origin_is_checked_before_the_body_is_parsed(client: FlaskClient, path: str, body: str) -> None:
    headers = {"Cookie": f"{COOKIE}=anything", "Sec-Fetch-Site": "cross-site"}
    bare = client.application.test_client(use_cookies=False)
    answer = bare.post(path, data=body, headers=headers, content_type="application/json")
    assert answer.get_json()["code"] == "cross_site_refused"


def test_cross_site_cookie_login_is_refused_before_hashing(make_app: AppFactory) -> None:
    hasher = CountingHasher(PasswordHasher("scrypt:256:8:1"))
    client = make_app(hasher=hasher).test_client()
    assert login(client, token_delivery="cookie").status_code == 403
    assert hasher.calls == 0


def test_requests_without_a_cookie_are_accepted_from_any_origin(client: FlaskClient) -> None:
    foreign = {"Origin": "https://app.example", "Sec-Fetch-Site": "cross-site"}
    register(client)
    token = login(client, headers=foreign).get_json()["refresh_token"]
    answer = client.post("/auth/refresh", json={"refresh_token": token}, headers=foreign)
    headers = foreign | bearer(answer.get_json()["access_token"])
    assert client.get("/auth/me", headers=headers).status_code == 200
    assert client.post("/auth/logout", headers=headers).status_code == 204
    assert refresh(client, answer.get_json()["refresh_token"]).status_code == 401


def test_login_over_an_active_cookie_ends_its_session(app: Flask, client: FlaskClient) -> None:
    first = by_cookie(client)
    second = by_cookie(client, "grace")  # the client sends its cookie along
    assert me(client, first.get_json()["access_token"]).status_code == 401
    assert me(client, second.get_json()["access_token"]).status_code == 200
    assert rows(app, "SELECT end_reason FROM sessions WHERE ended_at IS NOT NULL") == [
        {"end_reason": "replaced"}
    ]


def test_refused_login_over_an_active_cookie_keeps_its_session(client: FlaskClient) -> None:
    first = by_cookie(client)
    assert login(client, password="a wrong one", token_delivery="cookie", headers=SAME).status_code == 401
    assert me(client, first.get_json()["access_token"]).status_code == 200


GARBAGE = ["x", "x" * 5000, "..", "%00", '"quoted"', "a=b=c", "é", "A" * 76, "-" * 76, " ", "AQ" + "A" * 74]


@pytest.mark.parametrize("value", GARBAGE)
def test_malformed_refresh_cookie_is_refused(client: FlaskClient, value: str) -> None:
    token = signed_in(client)["access_token"]
    refused = with_cookie(client, "/auth/refresh", value)
    expected = "refresh_token_invalid" if value.strip() else "refresh_token_missing"
    assert (refused.status_code, refused.get_json()["code"]) == (401, expected)
    assert with_cookie(client, "/auth/logout", value).status_code == 204
    headers = {"Cookie": f"{COOKIE}={value}", **SAME}
    bare = client.application.test_client(use_cookies=False)
    assert bare.get("/auth/me", headers=headers).status_code == 401
    assert login(bare, token_delivery="cookie", headers=headers).status_code == 200
    assert me(client, token).status_code == 200


@pytest.mark.parametrize(
    "template",
    ["={name}={value}", "{name}x={value}", "{lower}={value}", "Host-refresh={value}", " ={name}={value}"],
)
def test_similarly_named_cookie_is_ignored(client: FlaskClient, template: str) -> None:
    value = cookie_of(by_cookie(client))
    cookie = template.format(name=COOKIE, lower=COOKIE.lower(), value=value)
    answer = send(client, "/auth/refresh", cookie, {}, **SAME)
    assert answer.get_json()["code"] == "refresh_token_missing"
    assert with_cookie(client, "/auth/refresh", value).status_code == 200


def test_refresh_cookie_does_not_authenticate_guarded_routes(client: FlaskClient) -> None:
    by_cookie(client)  # kept by the client, and sent from here on
    assert client.get("/auth/me", headers=SAME).get_json()["code"] == "token_missing"
    assert client.get("/auth/sessions", headers=SAME).get_json()["code"] == "token_missing"


def test_ending_the_own_session_clears_the_cookie(client: FlaskClient) -> None:
    first = by_cookie(client)
    access = first.get_json()["access_token"]
    (own,) = client.get("/auth/sessions", headers=bearer(access)).get_json()["sessions"]
    ended = client.delete(f"/auth/sessions/{own['id']}", headers=bearer(access) | SAME)
    assert ended.status_code == 204
    assert "Max-Age=0" in attributes(ended)

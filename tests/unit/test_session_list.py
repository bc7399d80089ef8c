"""Listing and ending the account's own sessions."""

import json
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient

from models import iso
from tests.conftest import AppFactory
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    events,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token
from utils.web.devices import device

SESSION_KEYS = set("apps id current remembered created_at last_used_at ip_address browser system".split())
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"


@pytest.mark.parametrize(
    ("user_agent", "browser", "system"),
    [
        (FIREFOX, "Firefox 145", "Linux"),
        (f"{CHROME} Safari/537.36", "Chrome 142", "Windows 10"),
        (f"{CHROME} Safari/537.36 Edg/142.0.0.0", "Edge 142", "Windows 10"),
        (f"{IPHONE} Version/18.1 Mobile/15E148 Safari/604.1", "Mobile Safari 18", "iOS 18"),
        ("curl/8.5.0", "curl 8", None),
        ("", None, None),
        ("\N{PILE OF POO}" * 600, None, None),
    ],
)
def test_user_agent_is_parsed_into_browser_and_system(
    user_agent: str, browser: str | None, system: str | None
) -> None:
    assert device(user_agent) == (browser, system)


def listed(client: FlaskClient, token: str) -> list[dict[str, object]]:
    answer = client.get("/auth/sessions", headers=bearer(token))
    assert answer.status_code == 200
    found: list[dict[str, object]] = answer.get_json()["sessions"]
    return found


def test_session_list_shows_only_own_sessions(client: FlaskClient, clock: FixedClock) -> None:
    register(client)
    signed_in(client, "grace")
    first = login(client, headers={"User-Agent": FIREFOX}).get_json()
    clock.advance(60)
    second = login(client, remember=True, headers={"User-Agent": "curl/8.5.0"}).get_json()
    here, there = listed(client, second["access_token"])
    assert set(here) == set(there) == SESSION_KEYS
    assert (here["current"], here["remembered"], here["browser"]) == (True, True, "curl 8")
    assert (there["current"], there["remembered"]) == (False, False)
    assert (there["browser"], there["system"]) == ("Firefox 145", "Linux")
    assert there["ip_address"] == "127.0.0.1"
    assert there["created_at"] == there["last_used_at"] == "2026-03-01T12:00:00Z"
    clock.advance(60)
    token = refresh(client, first["refresh_token"]).get_json()["access_token"]
    used = listed(client, token)[0]  # the latest used comes first
    assert (used["id"], used["current"], used["last_used_at"]) == (there["id"], True, "2026-03-01T12:02:00Z")


def test_session_list_contains_no_secret(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    text = json.dumps(listed(client, pair["access_token"]))
    secret = bytes(rows(app, "SELECT secret FROM sessions")[0]["secret"])
    for told in (pair["access_token"], pair["refresh_token"], pair["refresh_token"][40:60], secret.hex()):
        assert told not in text


def test_ended_session_is_not_listed(client: FlaskClient, clock: FixedClock) -> None:
    signed_in(client)
    out = signed_in(client)["refresh_token"]
    client.post("/auth/logout", json={"refresh_token": out})
    clock.advance(12 * 3600)  # the first one ends by being idle
    assert len(listed(client, signed_in(client)["access_token"])) == 1


def test_own_sessions_can_be_ended(app: Flask, client: FlaskClient) -> None:
    here, there = signed_in(client), signed_in(client)
    of = {item["current"]: item["id"] for item in listed(client, here["access_token"])}
    headers = bearer(here["access_token"])
    answer = client.delete(f"/auth/sessions/{of[False]}", headers=headers)
    assert (answer.status_code, answer.data) == (204, b"")
    assert me(client, there["access_token"]).status_code == 401
    assert refresh(client, there["refresh_token"]).status_code == 401
    again = client.delete(f"/auth/sessions/{of[False]}", headers=headers)
    assert (again.status_code, again.get_json()["code"]) == (404, "session_not_found")
    assert client.delete(f"/auth/sessions/{of[True]}", headers=headers).status_code == 204
    assert me(client, here["access_token"]).status_code == 401
    assert events(app)[-2:] == ["session_ended", "session_ended"]


def test_sessions_of_another_account_cannot_be_ended(app: Flask, client: FlaskClient) -> None:
    mine, theirs = signed_in(client), signed_in(client, "grace")
    theirs_id = listed(client, theirs["access_token"])[0]["id"]
    before = events(app)
    for name in (theirs_id, uuid4()):
        answer = client.delete(f"/auth/sessions/{name}", headers=bearer(mine["access_token"]))
        assert (answer.status_code, answer.get_json()["code"]) == (404, "session_not_found")
    for name in ("1", "x", "%00", "..", f"{theirs_id}x", f"{theirs_id}%20", "'--"):
        answer = client.delete(f"/auth/sessions/{name}", headers=bearer(mine["access_token"]))
        assert answer.status_code in {404, 405}
    assert client.delete(f"/auth/sessions/{theirs_id}").status_code == 401
    assert me(client, theirs["access_token"]).status_code == 200
    assert events(app) == before


def test_all_other_sessions_can_be_ended(app: Flask, client: FlaskClient) -> None:
    others = [signed_in(client) for _ in range(3)]
    here, stranger = signed_in(client), signed_in(client, "grace")
    headers = bearer(here["access_token"])
    for ended in (3, 0):
        answer = client.post("/auth/sessions/revoke-others", headers=headers)
        assert (answer.status_code, answer.get_json()) == (200, {"ended": ended})
    assert all(me(client, pair["access_token"]).status_code == 401 for pair in others)
    assert all(refresh(client, pair["refresh_token"]).status_code == 401 for pair in others)
    for pair in (here, stranger):
        assert me(client, pair["access_token"]).status_code == 200
    counts = rows(app, "SELECT count FROM audit_events WHERE event = 'other_sessions_ended' ORDER BY id")
    assert [row["count"] for row in counts] == [3, 0]


def test_session_routes_require_a_session(app: Flask, client: FlaskClient) -> None:
    session = listed(client, signed_in(client)["access_token"])[0]["id"]
    with app.app_context():
        headers = bearer(generate_jwt_token(1))
    for method, path in (
        ("GET", "/auth/sessions"),
        ("DELETE", f"/auth/sessions/{session}"),
        ("POST", "/auth/sessions/revoke-others"),
    ):
        answer = client.open(path, method=method, headers=headers)
        assert (answer.status_code, answer.get_json()["code"]) == (403, "session_required")
    assert client.get("/auth/me", headers=headers).status_code == 200
    assert client.post("/auth/logout", headers=headers).status_code == 204
    assert client.get("/auth/me", headers=headers).status_code == 200  # logout does not revoke it


def test_session_address_comes_from_trusted_proxies(make_app: AppFactory) -> None:
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    for hops, seen in (("0", "127.0.0.1"), ("1", "198.51.100.7"), ("2", "203.0.113.9")):
        client = make_app({"TRUSTED_PROXIES": hops}).test_client()
        register(client)
        token = login(client, headers=forged).get_json()["access_token"]
        assert seen in {item["ip_address"] for item in listed(client, token) if item["current"]}


@pytest.mark.parametrize("others", [True, False], ids=["all others", "one other"])
def test_ending_another_session_requires_a_fresh_login(
    client: FlaskClient, clock: FixedClock, others: bool
) -> None:
    here, there = signed_in(client), signed_in(client)
    of = {item["current"]: item["id"] for item in listed(client, here["access_token"])}
    clock.advance(10 * 60)
    here |= refresh(client, here["refresh_token"]).get_json()
    headers = bearer(here["access_token"])

    def end() -> int:
        if others:
            return client.post("/auth/sessions/revoke-others", headers=headers).status_code
        return client.delete(f"/auth/sessions/{of[False]}", headers=headers).status_code

    assert end() == 403
    assert me(client, there["access_token"]).status_code == 200
    renewed = client.post("/auth/reauth", json={"password": PASSWORD}, headers=headers).get_json()
    headers = bearer(renewed["access_token"])
    assert end() in {200, 204}
    assert me(client, there["access_token"]).status_code == 401


def test_ending_the_calling_session_requires_no_step_up(client: FlaskClient, clock: FixedClock) -> None:
    here = signed_in(client)
    own = listed(client, here["access_token"])[0]["id"]
    clock.advance(11 * 60)
    assert client.delete(f"/auth/sessions/{own}", headers=bearer(here["access_token"])).status_code == 204


def test_me_returns_the_last_authentication_time(client: FlaskClient, clock: FixedClock) -> None:
    here = signed_in(client)
    at_first = me(client, here["access_token"]).get_json()["auth_time"]
    assert at_first == iso(clock.now())
    clock.advance(60)
    assert me(client, here["access_token"]).get_json()["auth_time"] == at_first
    renewed = client.post("/auth/reauth", json={"password": PASSWORD}, headers=bearer(here["access_token"]))
    fresh = me(client, renewed.get_json()["access_token"]).get_json()["auth_time"]
    assert fresh == iso(clock.now())

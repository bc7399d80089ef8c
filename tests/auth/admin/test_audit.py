"""The audit log: exactly one event for each action, in the transaction of the change."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support.failing_services import everything, failing_at
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    events,
    execute,
    last_event,
    login,
    refresh,
    register,
    rows,
    signed_in,
)

pytestmark = pytest.mark.both_databases(slow=True)

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
FROM = {"REMOTE_ADDR": "203.0.113.7"}


def assert_only(app: Flask, before: int, answer: TestResponse, word: str) -> dict[str, Any]:
    """Assert that exactly one event was added, with this name and the facts of the response's request."""
    assert len(events(app)) == before + 1
    row = last_event(app)
    assert row["event"] == word
    assert row["request_id"] == answer.headers["X-Request-Id"]
    assert row["ip_address"] == "203.0.113.7"
    assert row["user_agent"] == FIREFOX
    assert str(row["at"]).startswith("2026-03-01 12:")
    assert row["operator"] is None
    return row


def test_each_action_writes_one_event_with_user_address_and_request_id(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    def call(path: str, body: Any = None, token: str = "", method: str = "POST") -> TestResponse:
        headers = {"User-Agent": FIREFOX, "Authorization": f"Bearer {token}"}
        return client.open(path, method=method, json=body, headers=headers, environ_base=FROM)

    credentials = {"username": "ada", "password": PASSWORD}
    answer = call("/auth/register", {**credentials, "email": "ada@example.com"})
    row = assert_only(app, 0, answer, "account_registered")
    assert (row["user_id"], row["session_id"]) == (answer.get_json()["user"]["id"], None)

    answer = call("/auth/login", credentials)
    row = assert_only(app, 1, answer, "signed_in")
    first, session = answer.get_json(), row["session_id"]
    assert UUID(str(session)) == UUID(str(rows(app, "SELECT id FROM sessions")[0]["id"]))
    assert row["user_id"] == first["user"]["id"]

    answer = call("/auth/refresh", {"refresh_token": first["refresh_token"]})
    row = assert_only(app, 2, answer, "session_refreshed")
    assert (row["user_id"], row["session_id"]) == (first["user"]["id"], session)
    second = answer.get_json()

    answer = call("/auth/sessions/revoke-others", None, second["access_token"])
    row = assert_only(app, 3, answer, "other_sessions_ended")
    assert (row["user_id"], row["session_id"], row["count"]) == (first["user"]["id"], session, 0)

    clock.advance(21)
    answer = call("/auth/refresh", {"refresh_token": first["refresh_token"]})
    row = assert_only(app, 4, answer, "refresh_token_reused")
    assert (row["user_id"], row["session_id"]) == (first["user"]["id"], session)

    third = call("/auth/login", credentials).get_json()
    answer = call("/auth/logout", {"refresh_token": third["refresh_token"]})
    row = assert_only(app, 6, answer, "signed_out")
    assert row["user_id"] == first["user"]["id"]
    assert row["session_id"] not in {None, session}

    token = call("/auth/login", credentials).get_json()["access_token"]
    (own,) = call("/auth/sessions", None, token, "GET").get_json()["sessions"]
    answer = call(f"/auth/sessions/{own['id']}", None, token, "DELETE")
    row = assert_only(app, 8, answer, "session_ended")
    assert UUID(str(row["session_id"])) == UUID(own["id"])


@pytest.mark.parametrize(
    ("change", "password", "reason"),
    [
        ("SELECT 1", "a wrong one", "wrong_password"),
        ("UPDATE users SET disabled_at = created_at", PASSWORD, "disabled"),
        ("UPDATE users SET disabled_at = created_at", "a wrong one", "wrong_password"),
        ("UPDATE users SET password_hash = NULL", PASSWORD, "no_password"),
    ],
)
def test_refused_login_is_logged_with_its_reason(
    app: Flask, client: FlaskClient, change: str, password: str, reason: str
) -> None:
    user = register(client).get_json()["user"]["id"]
    execute(app, change)
    headers = {"User-Agent": FIREFOX}
    body = {"username": "ada", "password": password}
    answer = client.post("/auth/login", json=body, headers=headers, environ_base=FROM)
    assert answer.status_code == 401
    row = assert_only(app, 1, answer, "sign_in_refused")
    assert (row["user_id"], row["reason"], row["count"]) == (user, reason, 1)
    assert row["subject_digest"] is None


def test_unknown_usernames_are_counted_by_network_and_minute(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    def ask(name: str, address: str) -> None:
        body = {"username": name, "password": PASSWORD}
        answer = client.post("/auth/login", json=body, environ_base={"REMOTE_ADDR": address})
        assert answer.status_code == 401

    for _ in range(3):
        ask("my secret password", "203.0.113.7")
    ask("another", "203.0.113.7")
    ask("missing", "203.0.113.8")
    ask("missing", "2001:db8:1:2::1")
    ask("missing", "2001:db8:1:2:ffff::9")  # the same subscriber
    ask("missing", "2001:db8:1:3::1")
    clock.advance(60)
    ask("missing", "203.0.113.7")
    found = rows(app, "SELECT * FROM audit_events ORDER BY id")
    assert [row["count"] for row in found] == [4, 1, 2, 1, 1]
    assert {(row["event"], row["reason"], row["user_id"]) for row in found} == {
        ("sign_in_refused", "unknown", None)
    }
    assert "my secret password" not in str(found)
    assert "missing" not in str(found)
    assert found[1]["subject_digest"] == found[2]["subject_digest"] != found[0]["subject_digest"]


@pytest.mark.both_databases
def test_what_strangers_ask_of_an_account_is_counted_by_network_and_hour(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true", "REQUIRE_VERIFIED_EMAIL": "true"})
    client = app.test_client()
    register(client)

    def ask(address: str) -> None:
        caller = {"REMOTE_ADDR": address}
        for path in ("password/forgot", "email/resend"):
            body = {"email": "ada@example.com"}
            assert client.post(f"/auth/{path}", json=body, environ_base=caller).status_code == 202
        assert register(client, f"eve{clock.now():%H%M%S}", email="ada@example.com").status_code == 202
        clock.advance(1)

    for address in ("203.0.113.7", "2001:db8:1:2::1", "2001:db8:1:3::1", "203.0.113.7", "203.0.113.8"):
        ask(address)
    clock.advance(3600)
    ask("203.0.113.7")
    found = rows(app, "SELECT * FROM audit_events WHERE user_id IS NOT NULL ORDER BY id")[1:]
    counts = {
        event: [row["count"] for row in found if row["event"] == event]
        for event in ("password_reset_requested", "verification_requested", "registration_repeated")
    }
    assert counts == {
        "password_reset_requested": [2, 2, 1, 1],  # the IPv6 networks may be those of one subscriber
        "verification_requested": [2, 2, 1, 1],
        "registration_repeated": [5, 1],
    }
    assert {row["reason"] for row in found} == {None}
    assert {row["user_id"] for row in found} == {1}


def test_requests_without_effect_write_no_event(app: Flask, client: FlaskClient) -> None:
    pair = signed_in(client)
    before = events(app)
    register(client)
    register(client, "grace", password="short")
    register(client, "grace", email="ada@example.com")
    client.post("/auth/login", json={"username": "ada"})
    client.post("/auth/login", data="x", content_type="text/plain")
    client.post("/auth/logout", json={"refresh_token": "x"})
    client.post("/auth/logout")
    refresh(client, "x")
    client.post("/auth/refresh", json={})
    client.get("/auth/me", headers=bearer("x"))
    client.get("/auth/me", headers=bearer(pair["access_token"]))
    client.get("/auth/sessions", headers=bearer(pair["access_token"]))
    client.get("/nowhere")
    assert events(app) == before


Action = Callable[[FlaskClient, dict[str, Any]], TestResponse]
ACTIONS: dict[str, tuple[Action, str]] = {
    "register": (lambda client, _: register(client, "grace"), "account_registered"),
    "login": (lambda client, _: login(client), "signed_in"),
    "refused login": (lambda client, _: login(client, password="a wrong one"), "sign_in_refused"),
    "unknown login": (lambda client, _: login(client, "unknown"), "sign_in_refused"),
    "refresh": (lambda client, pair: refresh(client, pair["refresh_token"]), "session_refreshed"),
    "logout": (lambda client, pair: client.post("/auth/logout", json=pair), "signed_out"),
    "revoke": (lambda client, pair: revoke_others(client, pair["access_token"]), "other_sessions_ended"),
}


def revoke_others(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/auth/sessions/revoke-others", headers=bearer(token))


# The second kind differs in the status alone: one action shows it in `make check`, all in `make nightly`.
FAILURES = [
    *((name, "OperationalError") for name in ACTIONS),
    pytest.param("login", "InternalError", marks=pytest.mark.slow),
    *(pytest.param(name, "InternalError", marks=pytest.mark.nightly) for name in ACTIONS if name != "login"),
]


@pytest.mark.provokes_errors
@pytest.mark.parametrize(("name", "kind"), FAILURES)
def test_database_failure_at_any_statement_rolls_back_everything(
    app: Flask, client: FlaskClient, name: str, kind: str
) -> None:
    action, word = ACTIONS[name]
    pair = signed_in(client)
    before = everything(app)
    for number in range(1, 30):
        with failing_at(app, number, kind) as asked:
            answer = action(client, pair)
        if len(asked) < number:
            break  # every statement had its turn; this time nothing failed
        assert answer.status_code == (503 if kind == "OperationalError" else 500), asked
        assert set(answer.get_json()) == {"code", "message", "request_id"}
        assert "canary" not in answer.get_data(as_text=True)
        assert everything(app) == before, asked
    assert number > 2
    assert asked.count("COMMIT") == 1  # a flow commits once
    assert answer.status_code in {200, 201, 204, 401}
    assert events(app) == ["account_registered", "signed_in", word]

"""Operator commands (`flask auth ...`): immediate effect, text or JSON output, one audit event each."""

import json
import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event as sqlalchemy_event

from models import RateLimit, db
from tests.conftest import AppFactory
from tests.support.commands import asked, auth, event, written
from tests.support.documents import code_in, read, table_rows
from tests.support.requests import DAY, confirm_addresses
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

pytestmark = pytest.mark.both_databases(slow=True)


def test_create_user_prints_only_the_account(app: Flask) -> None:
    result = auth(app, "create-user", "--json", typed=f"ada\nada@example.com\n{PASSWORD}\n{PASSWORD}\n")
    assert json.loads(result.stdout)["user"]["username"] == "ada"
    assert PASSWORD not in result.output
    assert written(app) == [event("account_created", 1)]


def test_create_user_reads_the_password_from_stdin(app: Flask, client: FlaskClient) -> None:
    named = ("--username", "ada", "--email", "ada@example.com", "--password-stdin", "--json")
    result = auth(app, "create-user", *named, typed=f"{PASSWORD}\n")
    assert json.loads(result.stdout)["user"]["id"] == 1
    assert result.stderr == ""
    assert login(client).status_code == 200
    refused = auth(app, "create-user", "--username", "bob", "--email", "b@example.com", "--password-stdin")
    assert (refused.exit_code, refused.stdout) == (1, "")


def test_disable_ends_access_at_once_and_enable_allows_login_again(app: Flask, client: FlaskClient) -> None:
    pair, other = signed_in(client), signed_in(client, "bob")
    result = auth(app, "disable", "ada")
    assert (result.exit_code, result.stdout) == (0, "Disabled.\n")
    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert login(client).status_code == 401
    assert me(client, other["access_token"]).status_code == 200
    assert rows(app, "SELECT end_reason FROM sessions WHERE user_id = 1") == [{"end_reason": "operator"}]
    assert asked(app, "disable", "ada") == {"changed": False}
    assert auth(app, "disable", "ada").stdout == "The account was already disabled.\n"
    assert auth(app, "enable", "ada").stdout == "Enabled.\n"
    assert me(client, pair["access_token"]).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert login(client).status_code == 200
    assert asked(app, "enable", "ada") == {"changed": False}
    assert auth(app, "enable", "ada").stdout == "The account was not disabled.\n"
    assert asked(app, "disable", "ada") == {"changed": True}
    assert asked(app, "enable", "ada") == {"changed": True}
    kinds = ["account_disabled", "account_enabled"] * 2
    assert written(app) == [event(kind, 1) for kind in kinds]


@pytest.mark.both_databases
def test_end_sessions_of_one_user(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    pairs, other = [signed_in(client), signed_in(client)], signed_in(client, "bob")
    clock.advance(1)
    result = auth(app, "end-sessions", "ada@example.com")
    assert (result.exit_code, result.stdout) == (0, "Ended 2 sessions.\n")
    assert [me(client, pair["access_token"]).status_code for pair in [*pairs, other]] == [401, 401, 200]
    assert refresh(client, pairs[0]["refresh_token"]).status_code == 401
    assert login(client).status_code == 200
    assert auth(app, "end-sessions", "ada").stdout == "Ended 1 session.\n"
    assert asked(app, "end-sessions", "ada") == {"ended": 0}
    assert written(app) == [event("all_sessions_ended", 1, count) for count in (2, 1, 0)]


def test_end_sessions_of_all_users(app: Flask, client: FlaskClient) -> None:
    tokens = [signed_in(client, name)["access_token"] for name in ("ada", "bob", "eve")]
    assert asked(app, "end-sessions", "--everybody") == {"ended": 3}
    assert {me(client, token).status_code for token in tokens} == {401}
    assert written(app) == [event("all_sessions_ended", None, 3)]


def test_operator_token_works_until_end_sessions_or_disable(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    token = asked(app, "token", "ada")["access_token"]
    spoken = auth(app, "token", "1").stdout.strip()
    assert [me(client, text).status_code for text in (token, spoken)] == [200, 200]
    assert client.get("/auth/sessions", headers=bearer(token)).get_json()["code"] == "session_required"
    clock.advance(1)
    assert asked(app, "end-sessions", "ada") == {"ended": 0}
    assert [me(client, text).status_code for text in (token, spoken)] == [401, 401]
    clock.advance(1)
    fresh = asked(app, "token", "ada")["access_token"]
    assert me(client, fresh).status_code == 200
    clock.advance(1)
    auth(app, "disable", "ada")
    assert me(client, fresh).status_code == 401
    assert [row["event"] for row in written(app)].count("token_issued") == 3


def test_token_from_before_disable_stays_revoked_after_enable(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    token = asked(app, "token", "ada")["access_token"]
    clock.advance(1)
    auth(app, "disable", "ada")
    auth(app, "enable", "ada")
    assert me(client, token).status_code == 401


def test_list_users_is_paginated(app: Flask, client: FlaskClient) -> None:
    for name in ("ada", "bob", "eve"):
        register(client, name)
    auth(app, "disable", "bob")
    first = asked(app, "list-users", "--limit", "2")["users"]
    assert [(user["id"], user["username"], bool(user["disabled_at"])) for user in first] == [
        (1, "ada", False),
        (2, "bob", True),
    ]
    rest = asked(app, "list-users", "--limit", "2", "--after", str(first[-1]["id"]))["users"]
    assert [user["username"] for user in rest] == ["eve"]
    lines = auth(app, "list-users").stdout.splitlines()
    assert lines == [
        "ID  USERNAME  ADDRESS            STATE",
        "1   ada       <ada@example.com>  open, unconfirmed",
        "2   bob       <bob@example.com>  disabled, unconfirmed",
        "3   eve       <eve@example.com>  open, unconfirmed",
    ]
    assert auth(app, "list-users", "--search", "unknown").stdout == "No users.\n"
    assert "hash" not in auth(app, "list-users", "--json").stdout
    assert written(app)[1:] == [event("accounts_listed", None, count) for count in (2, 1, 3, 0, 3)]


def test_list_users_takes_every_state_of_the_guide(app: Flask, client: FlaskClient) -> None:
    for name in ("ada", "bob", "eve", "mal"):
        register(client, name)
    for command, name in (("disable", "bob"), ("close", "eve"), ("lock-out", "mal")):
        assert auth(app, command, name).exit_code == 0
    auth(app, "confirm-email", "ada", "--reason", "seen")
    found = {
        "open": "ada",
        "disabled": "bob",
        "closed": "eve",
        "blocked": "mal",
        "unconfirmed": "bob eve mal",
    }
    rows_of = table_rows(read("docs/guides/operator.md"), "command", "effect")
    (effect,) = (row[1] for row in rows_of if code_in(row[0]) == ["list-users"])
    assert code_in(effect.partition("States:")[2]) == [*found]
    for state, names in found.items():
        listed = asked(app, "list-users", "--state", state)["users"]
        assert " ".join(user["username"] for user in listed) == names, state
        lines = auth(app, "list-users", "--state", state).stdout.splitlines()[1:]
        assert all(state in line for line in lines), lines
    assert auth(app, "list-users", "--state", "OPEN").exit_code == 2


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ADA", ["ada", "ada_l"]),
        ("@example.com", ["ada", "ada_l", "adaxl", "bob"]),
        ("a_l", ["ada_l"]),  # no wildcard: not adaxl
        ("%", []),
        ("_", ["ada_l"]),
        ("\\", []),
        ("' OR 1=1 --", []),
        ("\u0436", []),
    ],
)
def test_user_search_has_no_wildcards(app: Flask, client: FlaskClient, search: str, found: list[str]) -> None:
    for name in ("ada", "ada_l", "bob"):
        register(client, name, email=f"{name.replace('_', '-')}@example.com")
    register(client, "adaxl", email="x@example.com")
    named = [user["username"] for user in asked(app, "list-users", "--search", search)["users"]]
    assert sorted(named) == sorted([*found, *(["adaxl"] if search == "ADA" else [])])


@pytest.mark.parametrize("who", ["ada", "ADA", "ada@example.com", "Ada@EXAMPLE.com", "1"])
def test_show_finds_by_name_address_or_id(app: Flask, client: FlaskClient, who: str) -> None:
    signed_in(client)
    login(client, password="wrong password")
    seen = asked(app, "show", who)
    assert (seen["user"]["username"], seen["user"]["has_password"], seen["user"]["disabled_at"]) == (
        "ada",
        True,
        None,
    )
    assert [session["ip_address"] for session in seen["sessions"]] == ["127.0.0.1"]
    assert [(row["event"], row["reason"]) for row in seen["events"]] == [
        ("account_shown", None),
        ("sign_in_refused", "wrong_password"),
        ("signed_in", None),
        ("account_registered", None),
    ]
    assert "scrypt" not in json.dumps(seen)
    told = auth(app, "show", who).stdout
    assert re.search(r"account_shown  \w", told), "who looked"
    assert "username: ada\n" in told
    assert "active sessions: 1\n" in told
    assert "scrypt" not in told
    assert written(app) == [event("account_shown", 1)] * 2


def test_show_refuses_an_id_that_is_the_username_of_another_account(app: Flask, client: FlaskClient) -> None:
    register(client, "2", email="a@example.com")
    register(client, "bob")
    assert auth(app, "show", "2").exit_code == 1
    assert asked(app, "show", "id:2")["user"]["username"] == "bob"
    assert asked(app, "show", "name:2")["user"]["username"] == "2"
    assert asked(app, "show", "a@example.com")["user"]["username"] == "2"


UNKNOWN_USERS = ["unknown", "unknown@example.com", "7", "0", "2147483648", "9" * 5_000, "\u00b2", "a b", ""]


COMMANDS = ["show", "explain", "disable", "enable", "end-sessions", "token", "send-reset"]


@pytest.mark.parametrize("command", COMMANDS)
def test_unknown_user_is_refused_in_one_line(app: Flask, command: str) -> None:
    for who in UNKNOWN_USERS:
        result = auth(app, command, who)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr == "Error: There is no such user.\n"
        assert auth(app, command, who, "--json").stdout == ""
    assert written(app) == []


def test_prune_keeps_rows_within_retention(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app({"ENDED_SESSION_RETENTION": str(DAY), "AUDIT_RETENTION": str(10 * DAY)})
    client = app.test_client()
    client.post("/auth/logout", headers=bearer(signed_in(client)["access_token"]))  # ends now
    confirm_addresses(app)  # else it is kept until it is decided whether the account stays
    signed_in(client)  # runs out in twelve hours
    assert login(client, remember=True).status_code == 200  # lives on
    for seconds, left in ((DAY, 3), (1, 2), (DAY // 2 - 1, 2), (1, 1)):
        clock.advance(seconds)
        deleted = asked(app, "prune")["deleted"]["sessions"]
        assert len(rows(app, "SELECT id FROM sessions")) == left, (seconds, deleted)
    kept = len(events(app))
    clock.advance(8.5 * DAY - 1)
    assert set(asked(app, "prune")["deleted"].values()) == {0}
    clock.advance(1)
    assert asked(app, "prune")["deleted"]["audit_events"] == 5
    assert len(events(app)) == kept + 2 - 5
    words = auth(app, "prune").stdout
    assert (
        "sessions: 0 deleted, signing_keys: 0 deleted, audit_events: 0 deleted, rate_limits: 0 deleted"
        in words
    )
    assert written(app)[-1] == event("pruned", None, 0)


@pytest.mark.both_databases
def test_prune_deletes_in_batches(app: Flask, clock: FixedClock) -> None:
    with app.app_context():
        db.session.add_all(
            RateLimit(key=f"login:{number}", calls=1, ends_at=clock.now()) for number in range(2_500)
        )
        db.session.commit()
        engine = db.engine
    commits = []

    def note(_connection: Any) -> None:
        commits.append(1)

    sqlalchemy_event.listen(engine, "commit", note)
    assert asked(app, "prune")["deleted"]["rate_limits"] == 2_500
    sqlalchemy_event.remove(engine, "commit", note)
    assert len(commits) >= 4  # 1000, 1000, 500, and the event
    assert rows(app, "SELECT key FROM rate_limits") == []
    assert written(app) == [event("pruned", None, 2_500)]

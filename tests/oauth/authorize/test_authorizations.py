"""The calls of the page of an authorization request: questions, decisions, and the codes that they issue."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from models import db
from oauth import tokens
from oauth.stores import clients
from tables.oauth import OAuthCode
from tests.support.authorization_requests import (
    CALLBACK,
    CHALLENGE,
    asked,
    authorization_query,
    decided,
    opened,
    resource_row,
    sent,
)
from tests.support.oauth import client_row
from tests.support.requests import everything, post, said
from tests.support.service import FixedClock, bearer, execute, rows, signed_in

QUERY = authorization_query()
ISSUER = "http://localhost:8000"


def codes(app: Flask) -> list[dict[str, Any]]:
    return rows(app, "SELECT * FROM oauth_codes ORDER BY created_at, id")


def events(app: Flask) -> list[tuple[str, str | None]]:
    found = rows(app, "SELECT event, detail FROM audit_events WHERE event LIKE 'app_%' ORDER BY id")
    return [(row["event"], row["detail"]) for row in found]


def test_question_names_client_account_and_scopes(client: FlaskClient, access: str) -> None:
    assert asked(client, QUERY, access) == {
        "status": "consent",
        "client": {
            "id": "app",
            "name": "App",
            "redirect_kind": "web",
            "redirect_host": "app.example.com",
            "resource": None,
            "policy_uri": None,
            "terms_uri": None,
        },
        "scopes": [
            {"name": "openid", "words": None, "allowed": False},
            {"name": "email", "words": None, "allowed": False},
        ],
        "account": {
            "email": "ada@example.com",
            "username": "ada",
            "has_password": True,
            "two_factor_enabled": False,
        },
        "new": True,
    }


def test_consent_issues_a_code_and_is_remembered(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    told = sent(decided(client, authorization_query(nonce="n-1"), access))
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"]) == ("s t&te", ISSUER)
    (row,) = codes(app)
    assert (row["client_id"], row["redirect_uri"], row["code_challenge"]) == ("app", CALLBACK, CHALLENGE)
    assert (row["oidc_nonce"], row["amr"], row["used_at"]) == ("n-1", "pwd", None)
    with app.app_context():
        found = db.session.get(OAuthCode, tokens.code_id(told["code"]))
        assert found is not None
        assert tokens.is_genuine_code(app.extensions["auth_services"], told["code"], found)
        assert (found.scopes, found.resource) == (["openid", "email"], None)
        assert found.expires_at - found.created_at == timedelta(seconds=60)
        assert found.session_id == UUID(rows(app, "SELECT id FROM sessions")[0]["id"])
    assert events(app) == [("app_allowed", "App")]
    assert "code" in sent(asked(client, QUERY, access))
    assert len(codes(app)) == 2
    assert events(app) == [("app_allowed", "App")]  # the token call records the login


def test_cancel_writes_an_event_and_nothing_else(app: Flask, client: FlaskClient, access: str) -> None:
    told = sent(decided(client, QUERY, access, allow=False))
    assert (told["error"], told["state"], told["iss"]) == ("access_denied", "s t&te", ISSUER)
    assert (codes(app), rows(app, "SELECT * FROM oauth_consents")) == ([], [])
    assert events(app) == [("app_refused", "App")]


def test_repeated_refusals_of_an_app_are_one_event_an_hour(
    app: Flask, client: FlaskClient, access: str
) -> None:
    for _ in range(3):
        decided(client, QUERY, access, allow=False)
    assert events(app) == [("app_refused", "App")]
    counted = rows(app, "SELECT count, user_id, session_id FROM audit_events WHERE event = 'app_refused'")
    assert (counted[0]["count"], counted[0]["user_id"]) == (3, 1)
    assert counted[0]["session_id"] is not None


def test_more_scopes_are_asked_for_and_added(app: Flask, client: FlaskClient, access: str) -> None:
    decided(client, authorization_query(scope="openid email"), access)
    answer = asked(client, authorization_query(scope="openid profile"), access)
    assert answer["new"] is False
    assert [(each["name"], each["allowed"]) for each in answer["scopes"]] == [
        ("openid", True),
        ("profile", False),
    ]
    decided(client, authorization_query(scope="openid profile"), access)
    assert asked(client, authorization_query(scope="openid profile email"), access)["status"] == "redirect"


@pytest.mark.parametrize(
    "change", [{"name": "Other"}, {"redirect_uris": f'["{CALLBACK}", "https://other.example.com/cb"]'}]
)
def test_changed_name_or_host_of_a_client_is_asked_about_again(
    app: Flask, client: FlaskClient, access: str, change: dict[str, str]
) -> None:
    decided(client, QUERY, access)
    ((column, value),) = change.items()
    execute(app, f"UPDATE oauth_clients SET {column} = :value", value=value)
    answer = asked(client, QUERY, access)
    assert (answer["status"], answer["new"]) == ("consent", True)


def test_person_may_allow_less(app: Flask, client: FlaskClient, access: str) -> None:
    sent(decided(client, QUERY, access, scopes=["openid"]))
    with app.app_context():
        assert db.session.query(OAuthCode).one().scopes == ["openid"]


@pytest.mark.parametrize("scopes", [["openid", "profile"], ["email"], [], ["openid", "roles"]])
def test_fault_22_scopes_that_were_not_asked_for_are_refused(
    app: Flask, client: FlaskClient, access: str, scopes: list[str]
) -> None:
    before = everything(app)
    assert decided(client, QUERY, access, scopes=scopes)["code"] == "oauth_scope_not_asked"
    assert everything(app) == before


def test_fault_22_no_field_of_a_call_gives_privileges(app: Flask, client: FlaskClient, access: str) -> None:
    extra: dict[str, Any] = {
        "trusted": True,
        "kind": "web",
        "consent": True,
        "required_permission": None,
        "user_id": 2,
    }
    query = authorization_query(trusted="true", kind="web", pkce="optional", scope="openid roles")
    answer = asked(client, query, access, **extra)
    assert answer["status"] == "consent"
    assert [each["name"] for each in answer["scopes"]] == ["openid"]


def test_fault_23_decision_needs_the_ticket_and_a_session(
    app: Flask, client: FlaskClient, access: str
) -> None:
    before = everything(app)
    body: dict[str, Any] = {"query": QUERY, "ticket": opened(client, QUERY), "allow": True}
    assert client.post("/auth/authorizations/decision", json=body).status_code == 401
    for ticket in ("", "x", body["ticket"][:-1] + "A", opened(client, authorization_query(state="x"))):
        answer = post(client, "authorizations/decision", access, **(body | {"ticket": ticket}))
        assert answer.status_code == 400
        assert answer.get_json()["code"] in {"oauth_ticket_invalid", "missing_fields"}
    assert everything(app) == before
    operator = app.test_cli_runner().invoke(args=["auth", "token", "ada"]).output.strip()
    answer = post(client, "authorizations/decision", operator, **body)
    assert said(answer) == (403, "session_required")
    assert codes(app) == []


def test_fault_5_and_6_answer_goes_to_the_browser_that_decided(app: Flask, client: FlaskClient) -> None:
    """Query and ticket are no handle: who made them gains nothing by another person's decision."""
    attacker, victim = signed_in(client, "mallory")["access_token"], signed_in(client, "ada")["access_token"]
    ticket = opened(client, QUERY)
    assert asked(client, QUERY, attacker, ticket=ticket)["status"] == "consent"
    assert "code" in sent(decided(client, QUERY, victim, ticket=ticket))
    assert asked(client, QUERY, attacker, ticket=ticket)["status"] == "consent"
    assert asked(client, QUERY, ticket=ticket)["status"] == "login"
    (row,) = codes(app)
    assert row["user_id"] == rows(app, "SELECT id FROM users WHERE username = 'ada'")[0]["id"]


CHANGES = [{"scope": "openid profile"}, {"response_type": "token"}, {"client_id": "other"}, {"state": "x"}]


@pytest.mark.parametrize("change", CHANGES)
def test_fault_7_changed_query_with_an_old_ticket_is_refused(
    app: Flask, client: FlaskClient, access: str, change: dict[str, str]
) -> None:
    ticket = opened(client, QUERY)
    changed = authorization_query(**change)
    assert asked(client, changed, access, ticket=ticket)["code"] == "oauth_ticket_invalid"
    assert decided(client, changed, access, ticket=ticket)["code"] == "oauth_ticket_invalid"
    assert codes(app) == []


def test_client_that_changed_after_the_ticket_is_checked_again(
    app: Flask, client: FlaskClient, access: str
) -> None:
    ticket = opened(client, QUERY)
    execute(app, "UPDATE oauth_clients SET disabled_at = created_at")
    for answer in (
        asked(client, QUERY, access, ticket=ticket),
        decided(client, QUERY, access, ticket=ticket),
    ):
        assert answer["code"] == "oauth_client_disabled"
    execute(app, "UPDATE oauth_clients SET disabled_at = NULL, redirect_uris = '[]'")
    assert decided(client, QUERY, access, ticket=ticket)["code"] == "oauth_redirect_uri_mismatch"
    assert codes(app) == []


def test_resource_and_its_scopes_are_in_consent_and_code(
    app: Flask, client: FlaskClient, access: str
) -> None:
    client_row(app, "api", kind="resource", redirect_uris=[])
    resource_row(app, "https://api.example.com", {"reports:read": "Read your reports"})
    query = authorization_query(scope="openid reports:read", resource="https://api.example.com")
    answer = asked(client, query, access)
    assert answer["client"]["resource"] == "Reports"
    assert answer["scopes"][1] == {"name": "reports:read", "words": "Read your reports", "allowed": False}
    decided(client, query, access)
    with app.app_context():
        row = db.session.query(OAuthCode).one()
        assert (row.scopes, row.resource) == (["openid", "reports:read"], "https://api.example.com")
    assert asked(client, query, access)["status"] == "redirect"
    resource_row(app, "https://other.example.com", {"other:read": "Read others"}, of=None)
    foreign = authorization_query(scope="openid other:read")
    assert "error=invalid_scope" in client.get(f"/oauth/authorize?{foreign}").location


def test_scope_of_a_resource_alone_does_not_allow_another_resource(
    app: Flask, client: FlaskClient, access: str
) -> None:
    client_row(app, "api", kind="resource", redirect_uris=[])
    for name in ("a", "b"):
        resource_row(app, f"https://{name}.example.com", {"read": "Read"})
    first = authorization_query(scope="read", resource="https://a.example.com")
    decided(client, first, access)
    assert asked(client, first, access)["status"] == "redirect"
    second = authorization_query(scope="read", resource="https://b.example.com")
    assert asked(client, second, access)["status"] == "consent"


def test_nothing_half_is_written_if_the_code_fails(
    app: Flask, client: FlaskClient, access: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client is removed at the moment of the decision."""
    really_lock = clients.lock_shared

    def late(tx: Session, client_id: str) -> None:
        clients.remove(tx, client_id)
        really_lock(tx, client_id)

    before = everything(app)
    monkeypatch.setattr(clients, "lock_shared", late)
    assert decided(client, QUERY, access)["code"] == "oauth_client_unknown"
    assert everything(app) == before


def test_ended_session_gets_no_code(app: Flask, client: FlaskClient, access: str) -> None:
    decided(client, QUERY, access)
    ticket = opened(client, QUERY)
    client.post("/auth/logout", json={}, headers=bearer(access))
    body = {"query": QUERY, "ticket": ticket}
    assert post(client, "authorizations", access, **body).status_code == 401
    assert post(client, "authorizations/decision", access, **body, allow=True).status_code == 401
    assert len(codes(app)) == 1


@pytest.mark.both_databases
def test_consent_and_code_on_both_databases(app: Flask, client: FlaskClient, access: str) -> None:
    for _ in range(2):
        assert "code" in sent(decided(client, authorization_query(prompt="consent"), access))
    assert (len(codes(app)), len(rows(app, "SELECT * FROM oauth_consents"))) == (2, 1)
    assert client.get(f"/oauth/authorize?{authorization_query(client_id='a')}").status_code == 400


def test_name_of_a_client_is_plain_text(app: Flask, client: FlaskClient, access: str) -> None:
    execute(app, "UPDATE oauth_clients SET name = :name", name=f"<b>x</b>\u202eabc{'y' * 60}")
    shown = asked(client, QUERY, access)["client"]["name"]
    assert shown == f"<b>x</b>abc{'y' * 49}"

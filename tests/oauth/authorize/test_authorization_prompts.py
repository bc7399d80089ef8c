"""What a request asks of the person: `prompt`, `max_age`, hints, permission, second factor."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.sessions import step_up
from models import Account, db
from oauth.stores import apps
from tables.oauth import OAuthCode
from tests.conftest import AppFactory
from tests.support.authenticator_app import Owner
from tests.support.authorization_requests import (
    asked,
    authorization_query,
    decided,
    opened,
    parameters_of,
    sent,
)
from tests.support.oauth import client_row
from tests.support.requests import post
from tests.support.roles import editor
from tests.support.service import PASSWORD, FixedClock, execute, login, rows, signed_in
from utils.services import Principal, Services

QUERY = authorization_query()


def codes(app: Flask) -> list[dict[str, Any]]:
    return rows(app, "SELECT * FROM oauth_codes ORDER BY created_at, id")


def signer_of(app: Flask, claims: dict[str, Any] | None) -> list[tuple[str, str, bool]]:
    """Replace the signer by one that reads every token as these claims; return the calls of it."""
    calls: list[tuple[str, str, bool]] = []

    class Reader:
        def read(self, _services: Any, token: str, typ: str, *, allow_expired: bool = False) -> Any:
            calls.append((token, typ, allow_expired))
            return claims

    built = app.extensions["auth_services"]
    app.extensions["auth_services"] = replace(built, signer=Reader())
    return calls


def test_prompt_none_answers_by_redirect(app: Flask, client: FlaskClient, access: str) -> None:
    silent = authorization_query(prompt="none")
    assert sent(asked(client, silent))["error"] == "login_required"
    assert sent(asked(client, silent, access))["error"] == "consent_required"
    assert sent(decided(client, silent, access))["error"] == "consent_required"
    decided(client, QUERY, access)
    assert "code" in sent(asked(client, silent, access))


def test_invalid_token_is_refused_and_not_treated_as_missing(client: FlaskClient, access: str) -> None:
    body = {"query": QUERY, "ticket": opened(client, QUERY)}
    for header in ("Bearer x", "Bearer", "Basic eDp5", f"Bearer {access}x"):
        answer = client.post("/auth/authorizations", json=body, headers={"Authorization": header})
        assert answer.status_code == 401


def test_fault_24_max_age_zero_asks_and_the_code_has_the_new_time(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    decided(client, QUERY, access)
    clock.advance(5)
    query = authorization_query(max_age="0")
    ticket = opened(client, query)
    clock.advance(5)
    assert asked(client, query, access, ticket=ticket)["status"] == "reauth"
    assert decided(client, query, access, ticket=ticket)["status"] == "reauth"
    silent = authorization_query(max_age="0", prompt="none")
    assert sent(asked(client, silent, access))["error"] == "login_required"
    proven = post(client, "reauth", access, password=PASSWORD).get_json()["access_token"]
    before = len(codes(app))
    assert "code" in sent(asked(client, query, proven, ticket=ticket))
    with app.app_context():
        newest = db.session.query(OAuthCode).order_by(OAuthCode.created_at.desc()).first()
        assert newest is not None
        assert newest.auth_time == clock.now()
    assert len(codes(app)) == before + 1


def test_prompt_login_asks_once_for_a_session_and_not_after_a_login(
    client: FlaskClient, access: str, clock: FixedClock
) -> None:
    decided(client, QUERY, access)
    clock.advance(5)
    query = authorization_query(prompt="login")
    ticket = opened(client, query)
    assert asked(client, query, access, ticket=ticket)["status"] == "reauth"
    assert asked(client, query, ticket=ticket)["status"] == "login"
    clock.advance(5)
    newly = login(client).get_json()["access_token"]
    assert asked(client, query, newly, ticket=ticket)["status"] == "redirect"


def test_prompt_select_account_and_create(client: FlaskClient, access: str, clock: FixedClock) -> None:
    decided(client, QUERY, access)
    clock.advance(5)
    for prompt, nobody in (("select_account", "login"), ("create", "create")):
        query = authorization_query(prompt=prompt)
        ticket = opened(client, query)
        assert asked(client, query, ticket=ticket)["status"] == nobody
        assert asked(client, query, access, ticket=ticket)["status"] == "select_account"
        assert asked(client, query, access, ticket=ticket, answered=True)["status"] == "redirect"
        assert asked(client, query, ticket=ticket, answered=True)["status"] == "login"


def test_prompt_consent_asks_each_time(client: FlaskClient, access: str) -> None:
    query = authorization_query(prompt="consent")
    for _ in range(2):
        assert asked(client, query, access)["status"] == "consent"
        assert "code" in sent(decided(client, query, access))


def test_login_hint_is_passed_to_the_login(client: FlaskClient) -> None:
    assert asked(client, authorization_query(login_hint="ada@example.com"))["login_hint"] == "ada@example.com"


def test_id_token_hint_must_be_of_this_client_and_name_the_account(
    app: Flask, client: FlaskClient, access: str
) -> None:
    mine = str(rows(app, "SELECT id FROM users")[0]["id"])
    query = authorization_query(id_token_hint="of-ada")
    calls = signer_of(app, {"sub": mine, "aud": "app"})
    assert asked(client, query, access)["status"] == "consent"
    assert calls == [("of-ada", "JWT", True)]
    signer_of(app, {"sub": "999", "aud": "app"})
    assert sent(asked(client, query, access))["error"] == "login_required"
    assert sent(decided(client, query, access))["error"] == "login_required"
    assert asked(client, query)["status"] == "login"
    for claims in (None, {"sub": mine, "aud": "other"}, {"sub": mine, "aud": ["app"]}, {"sub": mine}):
        signer_of(app, claims)
        assert sent(asked(client, query, access))["error"] == "invalid_request"
    assert codes(app) == []


def test_client_with_a_required_permission(app: Flask, client: FlaskClient, access: str) -> None:
    execute(app, "UPDATE oauth_clients SET required_permission = 'reports:read'")
    answer = asked(client, QUERY, access)
    assert answer["status"] == "permission_missing"
    assert parameters_of(answer["redirect_to"])["error"] == "access_denied"
    assert decided(client, QUERY, access)["status"] == "permission_missing"
    assert sent(asked(client, authorization_query(prompt="none"), access))["error"] == "access_denied"
    assert codes(app) == []
    assert [row["reason"] for row in rows(app, "SELECT reason FROM oauth_refusals")] == ["permission_missing"]
    editor(app)
    assert "code" in sent(decided(client, QUERY, access))


def test_client_that_requires_a_factor(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    execute(app, "UPDATE oauth_clients SET require_factor = :yes", yes=True)
    silent = authorization_query(prompt="none")
    without = signed_in(client, "bob")["access_token"]
    assert asked(client, QUERY, without)["code"] == "second_factor_setup_required"
    assert sent(asked(client, silent, without))["error"] == "interaction_required"
    owner = Owner(client, clock)
    assert asked(client, QUERY, owner.access)["status"] == "consent"
    clock.advance(600)
    access = owner.access
    answer = asked(client, QUERY, access)
    assert (answer["status"], answer["by_factor"]) == ("reauth", True)
    assert sent(asked(client, silent, access))["error"] == "interaction_required"
    assert decided(client, QUERY, access)["status"] == "reauth"
    proven = post(client, "reauth", access, code=owner.phone.next_code()).get_json()["access_token"]
    assert "code" in sent(decided(client, QUERY, proven))


def test_account_that_must_set_up_a_factor_gets_no_code(make_app: AppFactory) -> None:
    app = make_app({"REQUIRE_SECOND_FACTOR": "true"})
    client_row(app, trusted=True)
    client = app.test_client()
    access = signed_in(client)["access_token"]
    assert asked(client, QUERY, access)["code"] == "second_factor_setup_required"
    assert decided(client, QUERY, access)["code"] == "second_factor_setup_required"
    assert sent(asked(client, authorization_query(prompt="none"), access))["error"] == "interaction_required"
    assert codes(app) == []


@pytest.mark.both_databases
def test_no_code_is_issued_by_a_consent_that_was_removed_meanwhile(
    app: Flask, client: FlaskClient, access: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The access is removed after the consent was read, and before the account is locked."""
    decided(client, QUERY, access)
    execute(app, "DELETE FROM oauth_codes")
    ticket, really_lock = opened(client, QUERY), step_up.lock_for_change

    def late(services: Services, principal: Principal) -> Account:
        apps.end_access(services.tx(), principal.user_id, "app", "removed", services.clock.now())
        return really_lock(services, principal)

    monkeypatch.setattr(step_up, "lock_for_change", late)
    assert asked(client, QUERY, access, ticket=ticket)["status"] == "consent"
    assert codes(app) == []


def test_trusted_client_is_let_in_without_a_question(app: Flask, client: FlaskClient, access: str) -> None:
    execute(app, "UPDATE oauth_clients SET trusted = :yes", yes=True)
    assert "code" in sent(asked(client, QUERY, access))
    assert rows(app, "SELECT * FROM oauth_consents") == []


@pytest.mark.parametrize("address", ["http://127.0.0.1/cb", "com.example.app:/cb"])
def test_fault_25_and_47_native_client_is_asked_about_each_time(
    app: Flask, client: FlaskClient, access: str, address: str
) -> None:
    client_row(app, "tool", kind="native", redirect_uris=[address], trusted=True)
    query = authorization_query(client_id="tool", redirect_uri=address.replace("0.1/", "0.1:5000/"))
    for _ in range(2):
        assert asked(client, query, access)["status"] == "consent"
        assert decided(client, query, access)["redirect_to"].startswith(address.partition("/cb")[0])
    assert sent(asked(client, f"{query}&prompt=none", access))["error"] == "consent_required"
    assert len(codes(app)) == 2

"""`requires`: the permissions of the caller, as they stand now in every process."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.requests import asked, said
from tests.support.roles import define, editor, grant, guard, prove_factor, revoke
from tests.support.service import bearer, me, signed_in
from utils.auth_helpers import generate_jwt_token, requires

MISSING = (403, "permission_missing")
REAUTH = (403, "reauth_required")


@pytest.mark.both_databases
def test_change_of_roles_counts_with_the_next_call_in_every_process(make_app: AppFactory) -> None:
    here, there = make_app(), make_app()
    guard(here, "reports:read")
    client = here.test_client()
    headers = bearer(signed_in(client)["access_token"])
    assert said(client.get("/reports", headers=headers)) == MISSING
    editor(there)
    assert client.get("/reports", headers=headers).status_code == 200
    revoke(there, "ada", "editor")
    assert said(client.get("/reports", headers=headers)) == MISSING


def test_change_of_a_role_counts_for_its_accounts(app: Flask, client: FlaskClient) -> None:
    guard(app, "reports:read", "reports:write")
    headers = bearer(signed_in(client)["access_token"])
    editor(app)
    assert said(client.get("/reports", headers=headers)) == MISSING
    define(app, "editor", "reports:write")
    answer = client.get("/reports", headers=headers)
    assert answer.get_json() == {"permissions": ["reports:read", "reports:write"]}


def test_permissions_of_several_roles_are_one_set(app: Flask, client: FlaskClient) -> None:
    guard(app, "reports:read")
    headers = bearer(signed_in(client)["access_token"])
    editor(app)
    define(app, "auditor", "reports:read", "logs:read")
    grant(app, "ada", "auditor")
    assert client.get("/reports", headers=headers).get_json() == {
        "permissions": ["logs:read", "reports:read"]
    }
    revoke(app, "ada", "editor")
    assert client.get("/reports", headers=headers).status_code == 200


@pytest.mark.parametrize("held", ["reports:read-all", "my-reports:read", "report:sread"])
def test_permission_is_compared_whole(app: Flask, client: FlaskClient, held: str) -> None:
    guard(app, "reports:read")
    headers = bearer(signed_in(client)["access_token"])
    editor(app, "ada", held)
    assert said(client.get("/reports", headers=headers)) == MISSING


def test_refusal_names_the_permission_of_the_view(app: Flask, client: FlaskClient) -> None:
    guard(app, "reports:write", "reports:read")
    refused = client.get("/reports", headers=bearer(signed_in(client)["access_token"]))
    challenge = 'Bearer error="insufficient_scope", scope="reports:read reports:write"'
    assert refused.headers["WWW-Authenticate"] == challenge


def test_view_needs_a_token(app: Flask, client: FlaskClient) -> None:
    guard(app, "reports:read")
    assert said(client.get("/reports")) == (401, "token_missing")
    assert said(client.get("/reports", headers=bearer("x"))) == (401, "token_invalid")


@pytest.mark.parametrize("wrong", ["reports", "Reports:read", "reports:*", "", "a:b:c", "reports:read "])
def test_malformed_permission_is_refused_at_import(wrong: str) -> None:
    with pytest.raises(ValueError, match="thing:verb"):
        requires(wrong)
    with pytest.raises(ValueError, match="at least one"):
        requires()


@pytest.mark.both_databases
def test_permissions_are_read_by_the_statement_that_admits(app: Flask, client: FlaskClient) -> None:
    guard(app, "reports:read")
    headers = bearer(signed_in(client)["access_token"])
    editor(app)
    with asked(app) as statements:
        assert client.get("/reports", headers=headers).status_code == 200
        assert client.get("/auth/me", headers=headers).status_code == 200
    assert statements == []  # those of `Reads` run on the driver's connection: there is no other


def test_permission_of_the_service_counts_with_a_second_factor_only(make_app: AppFactory) -> None:
    app = make_app({"ADMIN_REQUIRE_SECOND_FACTOR": "true"})
    guard(app, "auth:view")
    client = app.test_client()
    token = signed_in(client)["access_token"]
    grant(app, "ada", "support")
    refused = client.get("/reports", headers=bearer(token))
    assert said(refused) == REAUTH
    assert refused.get_json()["by_factor"] is True
    assert me(client, token).get_json()["permissions"] == []
    prove_factor(app)
    assert client.get("/reports", headers=bearer(token)).status_code == 200
    assert me(client, token).get_json()["permissions"] == ["auth:support", "auth:view"]


def test_permission_that_is_missing_too_is_no_question_of_the_factor(make_app: AppFactory) -> None:
    app = make_app({"ADMIN_REQUIRE_SECOND_FACTOR": "true"})
    guard(app, "auth:view", "reports:read")
    client = app.test_client()
    token = signed_in(client)["access_token"]
    grant(app, "ada", "support")
    assert said(client.get("/reports", headers=bearer(token))) == MISSING


def test_token_without_a_session_has_no_permission_of_the_service(app: Flask, client: FlaskClient) -> None:
    guard(app, "reports:read")
    guard(app, "auth:view", path="/accounts")
    signed_in(client)
    editor(app)
    grant(app, "ada", "support")
    with app.app_context():
        headers = bearer(generate_jwt_token(1))
    assert client.get("/reports", headers=headers).get_json() == {"permissions": ["reports:read"]}
    assert said(client.get("/accounts", headers=headers)) == MISSING


def test_account_that_must_set_up_a_factor_has_no_permission(make_app: AppFactory) -> None:
    app = make_app({"REQUIRE_SECOND_FACTOR": "true"})
    guard(app, "reports:read")
    client = app.test_client()
    token = signed_in(client)["access_token"]
    editor(app)
    assert said(client.get("/reports", headers=bearer(token))) == (403, "second_factor_setup_required")
    shown = me(client, token).get_json()
    assert (shown["roles"], shown["permissions"]) == (["editor"], [])
    with app.app_context():
        script = generate_jwt_token(1)
    assert said(client.get("/reports", headers=bearer(script))) == MISSING


def test_me_tells_roles_and_permissions(app: Flask, client: FlaskClient) -> None:
    token = signed_in(client)["access_token"]
    shown = me(client, token).get_json()
    assert (shown["roles"], shown["permissions"]) == ([], [])
    editor(app, "ada", "reports:write", "reports:read")
    define(app, "author", "texts:write")
    grant(app, "ada", "author")
    shown = me(client, token).get_json()
    assert shown["roles"] == ["author", "editor"]
    assert shown["permissions"] == ["reports:read", "reports:write", "texts:write"]


def test_no_permission_is_in_an_access_token(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    editor(app)
    token = signed_in(client)["access_token"]
    assert "reports" not in token
    import jwt

    read = jwt.decode(token, options={"verify_signature": False})
    assert "reports:read" not in str(read)
    assert "editor" not in str(read)

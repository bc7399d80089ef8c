"""Userinfo: claims by scope, and which tokens open it."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support.commands import asked
from tests.support.oauth import client_row
from tests.support.oauth_tokens import (
    API,
    claims_of,
    got,
    reasons,
    refresh_app,
    refused,
    resource_row,
    userinfo,
)
from tests.support.requests import confirm_addresses
from tests.support.roles import define, grant
from tests.support.service import FixedClock, bearer, execute, signed_in

INVALID = (401, "invalid_token", "oauth_token_invalid")


@pytest.fixture(autouse=True)
def registered(app: Flask) -> None:
    client_row(app, scopes=["openid", "profile", "email", "offline_access", "roles"])


def test_claims_follow_the_scopes(app: Flask, client: FlaskClient) -> None:
    token = got(app, scopes=["openid"])["access_token"]
    confirm_addresses(app)
    profile = {"preferred_username": "ada", "name": "ada"}
    email = {"email": "ada@example.com", "email_verified": True}
    assert userinfo(client, token).get_json() == {"sub": "1"}
    for scopes, told in (("profile", profile), ("email", email), ("profile email", profile | email)):
        token = got(app, scopes=["openid", *scopes.split()])["access_token"]
        assert userinfo(client, token).get_json() == {"sub": "1"} | told


def test_answer_is_not_stored(app: Flask, client: FlaskClient) -> None:
    assert userinfo(client, got(app)["access_token"]).headers["Cache-Control"] == "no-store"


def test_fault_70_unconfirmed_address_is_given_only_to_a_client_that_takes_unverified_ones(
    app: Flask, client: FlaskClient
) -> None:
    body = got(app)
    assert "email" not in userinfo(client, body["access_token"]).get_json()
    assert "email" not in claims_of(body["id_token"])
    assert "email_verified" not in claims_of(body["id_token"])
    execute(app, "UPDATE oauth_clients SET takes_unverified = true")
    told = {"email": "ada@example.com", "email_verified": False}
    assert userinfo(client, body["access_token"]).get_json().items() >= told.items()
    assert claims_of(got(app)["id_token"]).items() >= told.items()


def test_claims_are_in_the_id_token_only_where_the_client_has_it_so(app: Flask) -> None:
    confirm_addresses(app)
    assert {"name", "preferred_username"} <= claims_of(got(app)["id_token"]).keys()
    execute(app, "UPDATE oauth_clients SET claims_in_id_token = false")
    claims = claims_of(got(app)["id_token"])
    assert not {"name", "preferred_username", "email"} & claims.keys()
    assert claims["sub"] == "1"


def test_roles_are_those_of_the_application_as_they_stand_now(app: Flask, client: FlaskClient) -> None:
    body = got(app, scopes=["openid", "roles"])
    assert userinfo(client, body["access_token"]).get_json() == {"sub": "1", "roles": []}
    define(app, "editor", "reports:read")
    define(app, "both", "reports:read", "auth:view")
    for role in ("editor", "both", "support"):
        grant(app, "ada", role)
    assert userinfo(client, body["access_token"]).get_json()["roles"] == ["editor"]
    assert claims_of(got(app, scopes=["openid", "roles"])["id_token"])["roles"] == ["editor"]
    refreshed = refresh_app(app, body["refresh_token"]).get_json()
    assert claims_of(refreshed["id_token"])["roles"] == ["editor"]
    assert "roles" not in claims_of(got(app)["id_token"])


def by_header(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/oauth/userinfo", headers=bearer(token))


def by_form(client: FlaskClient, token: str) -> TestResponse:
    return client.post("/oauth/userinfo", data={"access_token": token})


@pytest.mark.parametrize("call", [userinfo, by_header, by_form])
def test_token_is_taken_by_get_post_header_and_post_body(
    app: Flask, client: FlaskClient, call: Callable[[FlaskClient, str], TestResponse]
) -> None:
    assert call(client, got(app)["access_token"]).get_json()["sub"] == "1"
    refusal = call(client, "x.y.z")
    assert refused(refusal) == INVALID
    assert refusal.headers["WWW-Authenticate"] == 'Bearer realm="oauth", error="invalid_token"'


def test_token_in_the_address_is_not_read(app: Flask, client: FlaskClient) -> None:
    token = got(app)["access_token"]
    for answer in (
        client.get(f"/oauth/userinfo?access_token={token}"),
        client.post(f"/oauth/userinfo?access_token={token}"),
    ):
        assert refused(answer)[2] == "oauth_token_missing"
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="oauth"'


def test_two_tokens_or_another_scheme_are_malformed(app: Flask, client: FlaskClient) -> None:
    token = got(app)["access_token"]
    both = client.post("/oauth/userinfo", headers=bearer(token), data={"access_token": token})
    twice = client.post("/oauth/userinfo", data={"access_token": [token, token]})
    others = [
        client.get("/oauth/userinfo", headers={"Authorization": header})
        for header in (f"Basic {token}", "Bearer", f"Bearer {token} {token}", token)
    ]
    for answer in (both, twice, *others):
        assert refused(answer) == (400, "invalid_request", "oauth_token_malformed")
        assert 'error="invalid_request"' in answer.headers["WWW-Authenticate"]


def test_token_for_a_resource_does_not_open_userinfo(app: Flask, client: FlaskClient) -> None:
    client_row(app, "api", kind="resource")
    resource_row(app)
    assert refused(userinfo(client, got(app, resource=API)["access_token"])) == INVALID
    assert reasons(app) == {"audience_wrong"}


def test_token_for_a_resource_is_refused_after_its_client_was_removed(
    app: Flask, client: FlaskClient
) -> None:
    client_row(app, "api", kind="resource")
    resource_row(app)
    token = got(app, resource=API)["access_token"]
    asked(app, "clients", "remove", "app")
    assert refused(userinfo(client, token)) == INVALID
    assert reasons(app) == set()


def test_token_without_openid_is_a_403_that_names_the_scope(app: Flask, client: FlaskClient) -> None:
    answer = userinfo(client, got(app, scopes=["profile"])["access_token"])
    assert refused(answer) == (403, "insufficient_scope", "oauth_scope_insufficient")
    header = 'Bearer realm="oauth", error="insufficient_scope", scope="openid"'
    assert answer.headers["WWW-Authenticate"] == header


def test_fault_34_tokens_of_other_kinds_are_refused_and_ours_is_refused_elsewhere(
    app: Flask, client: FlaskClient
) -> None:
    own = signed_in(client)
    body = got(app)
    for token in (own["access_token"], own["refresh_token"], body["id_token"], body["refresh_token"]):
        assert refused(userinfo(client, token)) == INVALID
    for token in (body["access_token"], body["id_token"], body["refresh_token"]):
        for path in ("/auth/me", "/auth/sessions", "/auth/verify", "/auth/me/export"):
            assert client.get(path, headers=bearer(token)).status_code == 401


def test_expired_token_is_refused(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    token = got(app)["access_token"]
    clock.advance(599)
    assert userinfo(client, token).status_code == 200
    clock.advance(1)
    assert refused(userinfo(client, token)) == INVALID


CHANGES = [
    "UPDATE users SET disabled_at = created_at",
    "UPDATE users SET password_blocked_at = created_at",
    "UPDATE oauth_clients SET disabled_at = created_at",
    "UPDATE oauth_clients SET required_permission = 'wiki:read'",
    "UPDATE oauth_grants SET ended_at = created_at",
    "UPDATE oauth_grants SET idle_end = created_at",
    "UPDATE sessions SET ended_at = created_at",
    "UPDATE sessions SET idle_end = created_at",
    "DELETE FROM sessions",
    "DELETE FROM oauth_grants",
]


@pytest.mark.parametrize("change", CHANGES)
def test_database_decides_at_each_call(app: Flask, client: FlaskClient, change: str) -> None:
    token = got(app)["access_token"]
    assert userinfo(client, token).status_code == 200
    execute(app, change)
    assert refused(userinfo(client, token)) == INVALID

"""Revocation by a client, and introspection by a resource."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.oauth import client_row
from tests.support.oauth_tokens import (
    API,
    call,
    claims_of,
    credentials,
    got,
    grant_rows,
    reasons,
    refresh_app,
    refused,
    resource_row,
    userinfo,
)
from tests.support.service import FixedClock, events, execute

INACTIVE = {"active": False}


@pytest.fixture(autouse=True)
def registered(app: Flask) -> None:
    client_row(app)
    client_row(app, "other")
    client_row(app, "api", kind="resource")
    client_row(app, "api2", kind="resource")
    resource_row(app)
    resource_row(app, "api2", "https://second.example.com")


@pytest.mark.parametrize("kind", ["refresh_token", "access_token"])
def test_revoked_token_ends_the_grant_with_all_its_tokens(app: Flask, client: FlaskClient, kind: str) -> None:
    body = got(app)
    answer = call(app, "revoke", token=body[kind], token_type_hint="anything")
    assert (answer.status_code, answer.get_json()) == (200, {})
    assert refused(refresh_app(app, body["refresh_token"]))[2] == "oauth_grant_over"
    assert userinfo(client, body["access_token"]).status_code == 401
    assert grant_rows(app)[0]["end_reason"] == "revoked"
    assert events(app)[-1] == "app_ended"


def test_used_and_expired_tokens_revoke_as_well(app: Flask, clock: FixedClock) -> None:
    first, second = got(app), got(app)
    refresh_app(app, first["refresh_token"])
    clock.advance(3600)
    assert call(app, "revoke", token=first["refresh_token"]).status_code == 200
    assert call(app, "revoke", token=second["access_token"]).status_code == 200
    assert {row["end_reason"] for row in grant_rows(app)} == {"revoked"}


def test_token_of_another_client_and_unknown_ones_are_a_200_that_changes_nothing(app: Flask) -> None:
    body = got(app)
    own = (
        app.test_client()
        .post("/auth/login", json={"username": "ada", "password": "correct horse battery"})
        .get_json()
    )
    tokens = [body["refresh_token"], body["access_token"]]
    for token in tokens:
        answer = call(app, "revoke", **credentials("other"), token=token)
        assert (answer.status_code, answer.get_json()) == (200, {})
    for token in ("x", "é", body["id_token"], own["access_token"], own["refresh_token"]):
        answer = call(app, "revoke", token=token)
        assert (answer.status_code, answer.get_json()) == (200, {})
    assert grant_rows(app)[0]["ended_at"] is None
    assert (
        app.test_client()
        .get("/auth/me", headers={"Authorization": f"Bearer {own['access_token']}"})
        .status_code
        == 200
    )


def test_second_revocation_is_a_200_and_writes_no_second_event(app: Flask) -> None:
    token = got(app)["refresh_token"]
    assert [call(app, "revoke", token=token).status_code for _ in range(2)] == [200, 200]
    assert events(app).count("app_ended") == 1


@pytest.mark.parametrize("path", ["revoke", "introspect"])
def test_call_without_a_token_or_with_a_wrong_secret_is_refused(app: Flask, path: str) -> None:
    assert refused(call(app, path)) == (400, "invalid_request", "oauth_form_parameter_missing")
    answer = call(app, path, client_secret="wrong", token="x")
    assert refused(answer) == (401, "invalid_client", "oauth_invalid_client")


def introspected(app: Flask, token: str, client_id: str = "api") -> dict[str, object]:
    answer = call(app, "introspect", **credentials(client_id), token=token)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    body: dict[str, object] = answer.get_json()
    return body


def test_introspection_describes_a_token_with_the_audience_of_the_resource(app: Flask) -> None:
    token = got(app, resource=API)["access_token"]
    found = introspected(app, token)
    assert found == {"active": True, "token_type": "Bearer"} | claims_of(token)
    assert (found["aud"], found["client_id"], found["sub"]) == (API, "app", "1")


def test_fault_27_token_of_another_audience_is_not_active(app: Flask) -> None:
    body = got(app, resource=API)
    assert introspected(app, body["access_token"], "api2") == INACTIVE
    assert introspected(app, got(app)["access_token"]) == INACTIVE  # for userinfo
    for token in (body["refresh_token"], body["id_token"], "x"):
        assert introspected(app, token) == INACTIVE


def test_introspection_by_a_client_that_is_no_resource_calls_every_token_inactive(app: Flask) -> None:
    assert introspected(app, got(app, resource=API)["access_token"], "app") == INACTIVE
    assert reasons(app) == {"not_a_resource"}


CHANGES = [
    "UPDATE users SET disabled_at = created_at",
    "UPDATE oauth_clients SET disabled_at = created_at WHERE id = 'app'",
    "UPDATE oauth_clients SET required_permission = 'wiki:read' WHERE id = 'app'",
    "UPDATE oauth_grants SET ended_at = created_at",
    "UPDATE sessions SET ended_at = created_at",
    "DELETE FROM sessions",
    "DELETE FROM oauth_resources WHERE client_id = 'api'",
]


@pytest.mark.parametrize("change", CHANGES)
def test_token_is_not_active_once_anything_of_it_ended(app: Flask, change: str) -> None:
    token = got(app, resource=API)["access_token"]
    assert introspected(app, token)["active"]
    execute(app, change)
    assert introspected(app, token) == INACTIVE


def test_expired_token_is_not_active(app: Flask, clock: FixedClock) -> None:
    token = got(app, resource=API)["access_token"]
    clock.advance(600)
    assert introspected(app, token) == INACTIVE

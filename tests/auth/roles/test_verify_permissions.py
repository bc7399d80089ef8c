"""`GET /auth/verify?permission=`: a faulty question refuses."""

import logging

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.requests import said
from tests.support.roles import define, editor, grant, verify
from tests.support.service import signed_in

MISSING = (403, "permission_missing")


@pytest.fixture
def token(app: Flask, client: FlaskClient) -> str:
    """The access token of an account with `reports:read` and `reports:write`."""
    found: str = signed_in(client)["access_token"]
    editor(app, "ada", "reports:read", "reports:write")
    return found


def test_all_permissions_that_are_asked_for_are_wanted(app: Flask, client: FlaskClient, token: str) -> None:
    define(app, "author", "texts:write")
    assert verify(client, token).status_code == 204
    allowed = verify(client, token, "?permission=reports:read&permission=reports:write")
    assert (allowed.status_code, allowed.headers["X-Auth-User-Id"]) == (204, "1")
    assert said(verify(client, token, "?permission=texts:write")) == MISSING
    assert said(verify(client, token, "?permission=reports:read&permission=texts:write")) == MISSING


def test_without_a_valid_token_it_is_a_401(client: FlaskClient) -> None:
    assert said(client.get("/auth/verify?permission=reports:read")) == (401, "token_missing")
    assert said(verify(client, "x", "?permission=reports:read")) == (401, "token_invalid")
    assert said(verify(client, "x", "?permission=")) == (401, "token_invalid")


@pytest.mark.parametrize(
    "query",
    [
        "?permission=",
        "?permission",
        "?permission=%20reports:read",
        "?permission=reports:read%00",
        "?permission=REPORTS:READ",
        "?permission=reports:*",
        "?permission=reports",
        "?permission=reports:read,reports:write",
        "?permission=reports:read&permission=",
        "?permission=reports:read&user=1",
        "?permissions=reports:read",
        "?Permission=reports:read",
        "?user=1",
        "?&",
        "?permission=" + "a" * 90 + ":read",
        "?permission=%ff",
        "?" + "&".join(["permission=reports:read"] * 21),
    ],
)
def test_faulty_query_is_refused_and_logged(
    client: FlaskClient, token: str, query: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.clear()
    refused = verify(client, token, query)
    assert said(refused) == MISSING
    logged = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert [record.getMessage() for record in logged] == ["permission query refused"]


def test_twenty_permissions_may_be_asked_for(client: FlaskClient, token: str) -> None:
    query = "?" + "&".join(["permission=reports:read"] * 20)
    assert verify(client, token, query).status_code == 204


def test_permission_that_no_role_has_is_logged(
    app: Flask, client: FlaskClient, token: str, caplog: pytest.LogCaptureFixture
) -> None:
    define(app, "author", "texts:write")
    caplog.clear()
    assert said(verify(client, token, "?permission=texts:write")) == MISSING
    assert not [each for each in caplog.records if each.levelno == logging.WARNING]
    refused = verify(client, token, "?permission=report:read")
    assert said(refused) == MISSING
    assert [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING] == [
        "unknown permission refused"
    ]
    assert "report:read" not in refused.get_data(as_text=True) + str(refused.headers) + caplog.text


def test_permission_of_the_service_needs_a_factor(app: Flask, client: FlaskClient, token: str) -> None:
    grant(app, "ada", "support")
    assert verify(client, token, "?permission=auth:view").status_code == 204  # testing asks for no factor

"""Scopes that a request asks for in vain: the login goes on, and operators see which."""

from flask import Flask
from flask.testing import FlaskClient

from tests.oauth.clients.test_client_authentication import CALLER
from tests.support.authorization_requests import asked, authorization_query, decided, opened, sent
from tests.support.commands import asked as told_by
from tests.support.service import FixedClock, rows

QUERY = authorization_query(scope="openid groups roles email groups")


def lines(app: Flask) -> list[tuple[str, str, int, bool]]:
    found = told_by(app, "explain-client", "app")["refusals"]
    return [(each["reason"], each["detail"], each["count"], each["by_anybody"]) for each in found]


def test_explain_client_names_the_scopes_that_a_login_was_not_given(
    app: Flask, client: FlaskClient, access: str, clock: FixedClock
) -> None:
    opened(client, QUERY)
    asked(client, QUERY, access)
    assert lines(app) == []  # nothing is written before a person says yes
    assert "code" in sent(decided(client, QUERY, access))
    assert lines(app) == [("scope_left_out", "left out groups roles", 1, False)]
    clock.advance(2)
    assert "code" in sent(asked(client, QUERY, access))
    assert lines(app) == [("scope_left_out", "left out groups roles", 2, False)]
    assert "code" in sent(asked(client, authorization_query(), access))
    assert len(rows(app, "SELECT id FROM oauth_refusals")) == 1


def test_scope_that_was_left_out_hides_no_refusal_of_the_same_second_and_is_none(
    app: Flask, client: FlaskClient, access: str
) -> None:
    code = sent(decided(client, QUERY, access))["code"]
    form = {"client_id": "app", "client_secret": "s", "grant_type": "authorization_code", "code": code}
    assert CALLER.request_id
    client.post("/oauth/token", data=form)
    assert {line[0] for line in lines(app)} > {"scope_left_out"}
    metrics = app.extensions["auth_services"].metrics.exposition().decode()
    assert 'reason="scope_left_out"' not in metrics

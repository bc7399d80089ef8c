"""Decisions while an operator takes a scope away."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from oauth.clients import registration
from oauth.resources import registration as resource_registration
from tests.support.authorization_requests import asked, authorization_query, decided, opened, resource_row
from tests.support.interleaving import interleaved_at
from tests.support.oauth import client_row
from tests.support.requests import OPERATOR
from tests.support.service import FixedClock, execute, rows
from utils.services import services

pytestmark = pytest.mark.both_databases(slow=True)
API = "https://api.example.com"
ALL = ("openid", "email")


def narrow_client(app: Flask) -> None:
    with app.app_context():
        registration.change(services(), OPERATOR, "app", scopes=("openid",))


def narrow_resource(app: Flask) -> None:
    with app.app_context():
        resource_registration.change(
            services(), OPERATOR, resource_registration.description(API, None, {"read": "Read"})
        )


def restore(app: Flask) -> None:
    execute(app, "DELETE FROM oauth_codes")
    with app.app_context():
        registration.change(services(), OPERATOR, "app", scopes=ALL)
        scopes = {"read": "Read", "write": "Write"}
        resource_registration.change(
            services(), OPERATOR, resource_registration.description(API, None, scopes)
        )


NARROWED = {"client": (narrow_client, "openid email", None), "resource": (narrow_resource, "read write", API)}


@pytest.mark.parametrize("is_asked", [True, False], ids=["decision", "consent given before"])
@pytest.mark.parametrize(("narrow", "scope", "resource"), NARROWED.values(), ids=NARROWED)
def test_scope_that_is_taken_away_before_any_statement_is_not_granted(
    app: Flask,
    client: FlaskClient,
    access: str,
    clock: FixedClock,
    narrow: object,
    scope: str,
    resource: str | None,
    is_asked: bool,
) -> None:
    assert callable(narrow)
    client_row(app, "api", kind="resource", redirect_uris=[])
    resource_row(app, API, {"read": "Read", "write": "Write"})
    query = authorization_query(scope=scope, resource=resource)
    lost = scope.split()[1]
    for number in range(1, 60):
        restore(app)
        if not is_asked:
            decided(client, query, access)
            execute(app, "DELETE FROM oauth_codes")
        ticket = opened(client, query)
        with interleaved_at(app, number, lambda: narrow(app)) as statements:
            if is_asked:
                answer = decided(client, query, access, ticket=ticket)
            else:
                answer = asked(client, query, access, ticket=ticket)
        if len(statements) < number:
            break
        assert answer.get("status") or answer["code"]
        codes = rows(app, "SELECT scopes FROM oauth_codes")
        assert not [row for row in codes if lost in row["scopes"]], statements[number - 1]
        clock.advance(4)
    assert number > 8

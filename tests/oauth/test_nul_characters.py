"""A NUL in a parameter of any call of the provider: a 400, as Postgres takes none in a text."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.authorization_requests import BROWSES, asked, authorization_query, decided
from tests.support.oauth import REDIRECT, SECRET, client_row
from tests.support.oauth_tokens import VERIFIER, code_of, got, redeem, userinfo
from tests.support.requests import everything
from tests.support.service import bearer, rows, signed_in

pytestmark = pytest.mark.both_databases(slow=True)
NUL = "\x00"
AUTHORIZE = (
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "resource", "state", "nonce"),
    *(
        "code_challenge",
        "code_challenge_method",
        "prompt",
        "max_age",
        "login_hint",
        "id_token_hint",
        "unknown",
    ),
)
CLIENT = {"client_id": "app", "client_secret": SECRET}
FORMS: dict[str, tuple[str, dict[str, str]]] = {
    "code": (
        "token",
        CLIENT
        | {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "resource": "x", "unknown": "x"}
        | {"code_verifier": VERIFIER, "code": "x"},
    ),
    "refresh": (
        "token",
        CLIENT | {"grant_type": "refresh_token", "refresh_token": "x", "scope": "openid", "resource": "x"},
    ),
    "userinfo": ("userinfo", {"access_token": "x", "unknown": "x"}),
    "introspect": ("introspect", CLIENT | {"token": "x", "token_type_hint": "x"}),
    "revoke": ("revoke", CLIENT | {"token": "x", "token_type_hint": "x"}),
    "logout": (
        "logout",
        {"client_id": "app", "id_token_hint": "x", "post_logout_redirect_uri": REDIRECT, "state": "x"},
    ),
}
BODIES = [(path, form, name) for path, form in FORMS.values() for name in form]


@pytest.fixture(autouse=True)
def registered(app: Flask) -> None:
    client_row(app)


@pytest.mark.parametrize("name", AUTHORIZE)
def test_nul_in_a_parameter_of_an_authorization_request_is_a_400(
    app: Flask, client: FlaskClient, name: str
) -> None:
    access = signed_in(client)["access_token"]
    query = authorization_query(**{name: f"a{NUL}b"})
    for headers in (BROWSES, None):
        answer = client.get(f"/oauth/authorize?{query}", headers=headers)
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
    for body in ({}, {"allow": True}):
        path = "/auth/authorizations" + ("/decision" if body else "")
        sent: dict[str, Any] = {"query": query, "ticket": "t"} | body
        assert client.post(path, json=sent, headers=bearer(access)).status_code == 400
    assert rows(app, "SELECT id FROM oauth_codes") == []


@pytest.mark.parametrize(("path", "form", "name"), BODIES, ids=[f"{path} {name}" for path, _, name in BODIES])
def test_nul_in_a_parameter_of_a_form_is_a_400_and_changes_nothing(
    app: Flask, client: FlaskClient, path: str, form: dict[str, str], name: str
) -> None:
    before = everything(app, "rate_limits")
    answer = client.post(f"/oauth/{path}", data=form | {name: f"a{NUL}b"})
    assert answer.status_code == 400, answer.get_data(as_text=True)
    assert everything(app, "rate_limits") == before


def test_nul_beside_right_parameters_is_a_400_and_the_code_still_works(app: Flask) -> None:
    code = code_of(app)
    assert redeem(app, code, unknown=NUL).status_code == 400
    assert redeem(app, code).status_code == 200


@pytest.mark.both_databases
def test_nul_in_the_query_of_userinfo_is_not_read(app: Flask, client: FlaskClient) -> None:
    token = got(app)["access_token"]
    answer = client.get(f"/oauth/userinfo?access_token={NUL}", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == userinfo(client, token).status_code == 200


def test_logout_request_with_a_nul_counts_as_none_and_the_person_is_asked(
    app: Flask, client: FlaskClient
) -> None:
    access = signed_in(client)["access_token"]
    assert client.get("/oauth/logout?client_id=app%00").status_code == 200
    answer = client.post(
        "/auth/authorizations/logout", json={"query": "client_id=app&state=%00"}, headers=bearer(access)
    )
    assert (answer.status_code, answer.get_json()["status"]) == (200, "confirm")
    assert rows(app, "SELECT id FROM sessions WHERE ended_at IS NOT NULL") == []


def test_ticket_with_a_nul_is_a_400(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    query = authorization_query()
    assert asked(client, query, access, ticket=f"a{NUL}")["code"] == "oauth_ticket_invalid"
    assert decided(client, query, access, ticket=f"a{NUL}")["code"] == "oauth_ticket_invalid"

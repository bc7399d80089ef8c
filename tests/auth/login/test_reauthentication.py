"""Re-authentication of a session and the access tokens of before (ASVS 7.2.4)."""

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.memory_apps import forged, header
from tests.support.requests import post
from tests.support.service import PASSWORD, FixedClock, login, me, refresh, signed_in


@pytest.mark.both_databases
def test_reauthentication_voids_the_access_tokens_of_its_session(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    first, other = signed_in(client), login(app.test_client()).get_json()
    clock.advance(0.123456)
    second = refresh(client, first["refresh_token"]).get_json()
    new = post(client, "reauth", second["access_token"], password=PASSWORD).get_json()["access_token"]
    assert [me(client, each["access_token"]).status_code for each in (first, second)] == [401, 401]
    assert me(client, new).status_code == me(client, other["access_token"]).status_code == 200
    third = refresh(client, second["refresh_token"]).get_json()
    assert me(client, third["access_token"]).status_code == me(client, new).status_code == 200


def test_stolen_access_token_does_not_become_fresh_with_the_owners_reauthentication(
    client: FlaskClient, clock: FixedClock
) -> None:
    stolen = signed_in(client)["access_token"]
    clock.advance(601)
    new = post(client, "reauth", stolen, password=PASSWORD).get_json()["access_token"]
    assert post(client, "sessions/revoke-others", stolen).status_code == 401
    assert post(client, "sessions/revoke-others", new).status_code == 200


def test_failed_reauthentication_keeps_the_access_token(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert post(client, "reauth", access, password="wrong password").status_code == 403
    assert me(client, access).status_code == 200


def test_access_token_without_an_authentication_time_is_accepted(client: FlaskClient) -> None:
    """Tokens of an earlier release work until they expire."""
    access = signed_in(client)["access_token"]
    body = jwt.decode(access, options={"verify_signature": False})
    assert body.pop("auth_time") == body["iat"]
    assert me(client, forged(header(), body)).status_code == 200
    assert me(client, forged(header(), body | {"auth_time": body["iat"] - 0.001})).status_code == 401

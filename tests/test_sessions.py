"""Sessions over HTTP: a first few, to show the manner."""

from flask import Flask
from flask.testing import FlaskClient

from tests.support import FixedClock, events, me, refresh, signed_in


def test_a_refresh_gives_a_new_pair(app: Flask, client: FlaskClient) -> None:
    first = signed_in(client)
    second = refresh(client, first["refresh_token"]).get_json()
    assert second["refresh_token"] != first["refresh_token"]
    assert me(client, second["access_token"]).status_code == 200
    assert events(app) == ["account_registered", "signed_in", "session_refreshed"]


def test_an_old_refresh_token_after_the_grace_ends_the_session(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    first = signed_in(client)
    second = refresh(client, first["refresh_token"]).get_json()
    clock.advance(21)
    assert refresh(client, first["refresh_token"]).get_json()["code"] == "refresh_token_reused"
    assert refresh(client, second["refresh_token"]).get_json()["code"] == "refresh_token_invalid"
    assert me(client, second["access_token"]).status_code == 401
    assert events(app)[-1] == "refresh_token_reused"

"""Passwordless accounts: login by passkey only."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import mailbox
from tests.support.authenticator_app import Owner
from tests.support.passkeys import ASKED, added, log_in
from tests.support.requests import MINUTE, NEW, confirmed, forget, post, said
from tests.support.service import PASSWORD, FixedClock, bearer, events, login, me, rows
from tests.support.soft_passkey import SoftPasskey

LAST = (409, "last_way_in")


@pytest.fixture
def access(app: Flask, client: FlaskClient) -> str:
    confirmed(app)
    return str(login(client).get_json()["access_token"])


@pytest.fixture
def passkey(client: FlaskClient, access: str) -> SoftPasskey:
    return added(client, access)


def remove(client: FlaskClient, access: str) -> TestResponse:
    return client.delete("/auth/password", headers=bearer(access))


@pytest.mark.both_databases
def test_removed_password_is_refused_and_passkey_is_accepted(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert me(client, access).get_json()["has_password"] is True
    assert said(remove(client, access)) == (200, "")
    assert me(client, access).get_json()["has_password"] is False
    assert events(app)[-1] == "password_removed"
    assert mailbox.newest(app, "password_removed")
    assert rows(app, "SELECT password_hash AS h FROM users")[0]["h"] is None
    for password in (PASSWORD, "x", "None"):
        assert said(login(client, password=password)) == (401, "invalid_credentials")
    assert log_in(client, passkey).status_code == 200


def test_login_after_password_removal_is_logged_as_no_password(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert passkey
    remove(client, access)
    assert said(login(client)) == (401, "invalid_credentials")
    reason = rows(app, "SELECT reason FROM audit_events ORDER BY id DESC")[0]["reason"]
    assert reason == "no_password"


def test_password_removal_ends_other_sessions_and_links(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    other = log_in(app.test_client(), passkey).get_json()["access_token"]
    link = forget(app)
    assert said(remove(client, access)) == (200, "")
    assert me(client, other).status_code == 401
    assert me(client, access).status_code == 200
    assert said(post(client, "password/reset", token=link, password=NEW)) == (410, "token_used")


def test_password_removal_without_a_passkey_is_refused(
    client: FlaskClient, access: str, clock: FixedClock
) -> None:
    assert said(remove(client, access)) == LAST
    owner = Owner(client, clock, "grace")  # an app is no way in by itself
    assert said(remove(client, owner.access)) == LAST
    assert login(client).status_code == 200


def test_password_removal_requires_a_fresh_second_factor(
    client: FlaskClient, clock: FixedClock, passkey: SoftPasskey
) -> None:
    mark = second_step(client, passkey, trust_device=True).get_json()["device_token"]
    by_password = login(client, headers={"X-Device-Token": mark}).get_json()["access_token"]
    assert said(remove(client, by_password)) == (403, "reauth_required")
    options = post(client, "reauth/options", by_password).get_json()["public_key"]
    proven = post(client, "reauth", by_password, passkey=passkey.get(options)).get_json()["access_token"]
    clock.advance(10 * MINUTE)
    assert said(remove(client, proven)) == (403, "reauth_required")
    clock.advance(-1)
    assert said(remove(client, proven)) == (200, "")


def second_step(client: FlaskClient, passkey: SoftPasskey, **more: Any) -> TestResponse:
    asked = login(client).get_json()
    proof = passkey.get(asked["passkey_options"])
    body = {"challenge_token": asked["challenge_token"], "passkey": proof}
    return post(client, "login/second-factor", **body, **more)


def test_password_removal_twice_is_a_409(client: FlaskClient, access: str, passkey: SoftPasskey) -> None:
    assert passkey
    assert said(remove(client, access)) == (200, "")
    assert said(remove(client, access)) == (409, "no_password")


def test_last_passkey_cannot_be_removed_after_password_removal(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    remove(client, access)
    (only,) = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    assert said(client.delete(f"/auth/passkeys/{only['id']}", headers=bearer(access))) == LAST
    assert log_in(client, passkey).status_code == 200


def test_password_removal_voids_a_pending_second_step(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    asked = login(client).get_json()
    proof = passkey.get(asked["passkey_options"])
    remove(client, access)
    body = {"challenge_token": asked["challenge_token"], "passkey": proof}
    assert said(post(client, "login/second-factor", **body)) == (401, "challenge_invalid")


def test_password_reset_restores_the_password_and_keeps_the_factors(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    remove(client, access)
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    assert said(login(client, password=NEW)) == ASKED
    assert log_in(client, passkey).status_code == 200


def test_password_step_up_is_refused_after_password_removal(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert passkey
    remove(client, access)
    for given in (PASSWORD, "", "None"):
        answer = post(client, "reauth", access, password=given)
        assert answer.status_code in {400, 403}
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert said(post(client, "password/change", access, **body)) == (403, "wrong_current_password")

"""Accounts that do without a password: a passkey opens them, and nothing else does."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.auth.factors.test_passkeys import ASKED, added, log_in
from tests.support import mailbox
from tests.support.requests import MINUTE, NEW, confirmed, forget, post, said
from tests.support.service import PASSWORD, FixedClock, bearer, events, login, me, rows
from tests.support.soft_passkey import SoftPasskey
from tests.support.virtual_authenticator import Owner

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
def test_the_password_opens_nothing_any_more_and_the_passkey_does(
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


def test_it_costs_a_log_in_one_hash_all_the_same(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert passkey
    remove(client, access)
    assert said(login(client)) == (401, "invalid_credentials")
    reason = rows(app, "SELECT reason FROM audit_events ORDER BY id DESC")[0]["reason"]
    assert reason == "no_password"


def test_other_sessions_and_links_end_with_it(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    other = log_in(app.test_client(), passkey).get_json()["access_token"]
    link = forget(app)
    assert said(remove(client, access)) == (200, "")
    assert me(client, other).status_code == 401
    assert me(client, access).status_code == 200
    assert said(post(client, "password/reset", token=link, password=NEW)) == (410, "token_used")


def test_without_a_passkey_the_password_stays(client: FlaskClient, access: str, clock: FixedClock) -> None:
    assert said(remove(client, access)) == LAST
    owner = Owner(client, clock, "grace")  # an app is no way in by itself
    assert said(remove(client, owner.access)) == LAST
    assert login(client).status_code == 200


def test_it_wants_a_fresh_factor(client: FlaskClient, clock: FixedClock, passkey: SoftPasskey) -> None:
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


def test_there_is_none_to_remove_twice(client: FlaskClient, access: str, passkey: SoftPasskey) -> None:
    assert passkey
    assert said(remove(client, access)) == (200, "")
    assert said(remove(client, access)) == (409, "no_password")


def test_the_last_passkey_stays_then(client: FlaskClient, access: str, passkey: SoftPasskey) -> None:
    remove(client, access)
    (only,) = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    assert said(client.delete(f"/auth/passkeys/{only['id']}", headers=bearer(access))) == LAST
    assert log_in(client, passkey).status_code == 200


def test_a_waiting_log_in_by_password_ends_with_it(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    asked = login(client).get_json()
    proof = passkey.get(asked["passkey_options"])
    remove(client, access)
    body = {"challenge_token": asked["challenge_token"], "passkey": proof}
    assert said(post(client, "login/second-factor", **body)) == (401, "challenge_invalid")


def test_a_mailed_reset_sets_one_again_and_lifts_no_factor(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    remove(client, access)
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    assert said(login(client, password=NEW)) == ASKED
    assert log_in(client, passkey).status_code == 200


def test_nobody_proves_anything_by_a_password_there(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert passkey
    remove(client, access)
    for given in (PASSWORD, "", "None"):
        answer = post(client, "reauth", access, password=given)
        assert answer.status_code in {400, 403}
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert said(post(client, "password/change", access, **body)) == (403, "wrong_current_password")

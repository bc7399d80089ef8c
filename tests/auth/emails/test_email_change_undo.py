"""Undoing a change of address: the owner of the old address wins, whatever an intruder did since."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import mailbox
from tests.support.requests import DAY, HOUR, NEW, confirmed, disable, everything, moved, post, prune, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    events,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token

pytestmark = pytest.mark.both_databases

OLD, ADDRESS = "ada@example.com", "new@example.com"


def address(app: Flask, name: str = "ada") -> str:
    return str(rows(app, "SELECT email FROM users WHERE username = :name", name=name)[0]["email"])


def test_undo_restores_address_and_blocks_login_until_a_reset(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    pair, stranger = signed_in(client), signed_in(client, "grace")
    with app.app_context():
        script = generate_jwt_token(pair["user"]["id"])
    assert moved(app, pair["access_token"]).status_code == 200
    for body in ({"email": ADDRESS}, {"email": OLD}):
        post(client, "password/forgot", **body)
    assert mailbox.sent(app)[-1] == ("reset_password", ADDRESS)
    to_new = mailbox.token(app, "reset_password")
    undo = mailbox.token(app, "email_changed", OLD)
    clock.advance(72 * HOUR - 1)

    assert post(client, "email/change/undo", token=undo).status_code == 200
    assert events(app)[-1] == "email_change_undone"
    assert address(app) == OLD
    assert mailbox.sent(app)[-1] == ("password_blocked", OLD)
    for access in (pair["access_token"], script):
        assert me(client, access).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert refresh(client, stranger["refresh_token"]).status_code == 401  # idle for three days
    for name in ("ada", OLD, ADDRESS):
        assert said(login(client, name)) == (401, "invalid_credentials")
    assert said(post(client, "password/reset", token=to_new, password=NEW))[0] == 410
    token = mailbox.token(app, "password_blocked", OLD)
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    assert login(client, OLD, NEW).get_json()["user"]["email_verified"] is True
    assert said(post(client, "email/change/undo", token=undo)) == (410, "token_used")


def test_links_to_the_new_address_are_void_after_the_undo(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert moved(app, access).status_code == 200
    post(client, "password/forgot", email=ADDRESS)
    post(client, "email/change", access, email="third@example.com")
    reset, third = mailbox.token(app, "reset_password"), mailbox.token(app, "change_email")
    assert post(client, "email/change/undo", token=mailbox.token(app, "email_changed")).status_code == 200
    assert said(post(client, "password/reset", token=reset, password=NEW)) == (410, "token_used")
    assert said(post(client, "email/verify", token=third, password=PASSWORD)) == (410, "token_used")
    assert address(app) == OLD


def test_undo_link_survives_later_address_changes(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    addresses = [f"eve{number}@example.com" for number in range(5)]
    for to in addresses:
        clock.advance(1)
        assert moved(app, access, to).status_code == 200, to
        if to == addresses[2]:
            clock.advance(HOUR)  # three of a kind go in an hour
            pair = login(client).get_json()
            access = pair["access_token"]
    owners = mailbox.token(app, "email_changed", OLD)
    intruders = [mailbox.token(app, "email_changed", to) for to in addresses[:-1]]
    assert post(client, "email/change/undo", token=owners).status_code == 200
    assert address(app) == OLD
    for token in intruders:
        assert said(post(client, "email/change/undo", token=token)) == (410, "token_used")
    assert address(app) == OLD
    assert register(client, "eve", email=addresses[0]).status_code == 201  # and reserves nothing


def test_undo_to_an_earlier_address_overrides_a_later_undo(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    access = signed_in(client)["access_token"]
    moved(app, access, "eve@example.com")
    clock.advance(1)
    moved(app, access, "mallory@example.com")
    first, second = (mailbox.token(app, "email_changed", to) for to in (OLD, "eve@example.com"))
    assert post(client, "email/change/undo", token=second).status_code == 200
    assert address(app) == "eve@example.com"
    assert post(client, "email/change/undo", token=first).status_code == 200
    assert address(app) == OLD


def test_undo_cancels_a_pending_deletion(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    moved(app, access)
    assert client.delete("/auth/me", headers=bearer(access)).status_code == 202
    restore = mailbox.token(app, "deletion_requested", ADDRESS)
    undo = mailbox.token(app, "email_changed", OLD)
    assert post(client, "email/change/undo", token=undo).status_code == 200
    assert said(post(client, "me/restore", token=restore)) == (410, "token_used")
    clock.advance(15 * DAY)
    prune(app)
    assert address(app) == OLD
    post(client, "password/forgot", email=OLD)
    token = mailbox.token(app, "reset_password", OLD)
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    assert login(client, password=NEW).status_code == 200


def test_undo_keeps_a_disabled_account_disabled(app: Flask, client: FlaskClient) -> None:
    moved(app, signed_in(client)["access_token"])
    disable(app)
    undo = mailbox.token(app, "email_changed", OLD)
    assert post(client, "email/change/undo", token=undo).status_code == 200
    token = mailbox.token(app, "password_blocked", OLD)
    post(client, "password/reset", token=token, password=NEW)
    assert said(login(client, password=NEW)) == (401, "invalid_credentials")


def test_undo_link_expires_after_72_hours(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    moved(app, signed_in(client)["access_token"])
    undo = mailbox.token(app, "email_changed", OLD)
    clock.advance(72 * HOUR)
    assert said(post(client, "email/change/undo", token=undo)) == (410, "token_expired")
    assert address(app) == ADDRESS


@pytest.mark.parametrize("path", ["email/verify", "email/reject", "password/reset", "me/restore"])
def test_undo_link_is_refused_for_other_purposes(app: Flask, client: FlaskClient, path: str) -> None:
    moved(app, signed_in(client)["access_token"])
    undo = mailbox.token(app, "email_changed", OLD)
    before = everything(app, "audit_events")
    assert said(post(client, path, token=undo, password=NEW)) == (404, "token_unknown")
    assert everything(app, "audit_events") == before


def test_undo_does_not_affect_another_account(app: Flask, client: FlaskClient) -> None:
    confirmed(app, "grace")
    moved(app, signed_in(client)["access_token"])
    grace = login(client, "grace").get_json()
    before = rows(app, "SELECT * FROM users WHERE username = 'grace'")
    undo = mailbox.token(app, "email_changed", OLD)
    sent = {"token": undo, "user_id": grace["user"]["id"], "email": "grace@example.com"}
    assert client.post("/auth/email/change/undo", json=sent).status_code == 200
    assert rows(app, "SELECT * FROM users WHERE username = 'grace'") == before
    assert me(client, grace["access_token"]).status_code == 200

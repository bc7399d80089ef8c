"""Undoing a change of address: the owner of the old address wins, whatever an intruder did since."""

from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support import mailbox
from tests.support.requests import (
    DAY,
    HOUR,
    NEW,
    address,
    confirmed,
    disable,
    everything,
    forget,
    moved,
    post,
    prune,
    said,
)
from tests.support.service import (
    PASSWORD,
    FixedClock,
    at_once,
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

pytestmark = pytest.mark.both_databases(nightly=True)

OLD, ADDRESS = "ada@example.com", "new@example.com"


@pytest.mark.both_databases(slow=True)
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


@pytest.mark.both_databases(slow=True)
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


@pytest.fixture
def squatted(app: Flask, clock: FixedClock) -> tuple[str, str]:
    """Register the victim's address and move on, an hour ago; return a session's token and the undo link."""
    client = app.test_client()
    register(client, "mallory", email=OLD)
    access = str(login(client, "mallory").get_json()["access_token"])
    assert moved(app, access, "evil@example.com").status_code == 200
    undo = mailbox.token(app, "email_changed", OLD)
    clock.advance(HOUR)
    return access, undo


def confirm(app: Flask, name: str, email: str = OLD) -> None:
    token = mailbox.token(app, "verify_email", email)
    access = login(app.test_client(), name).get_json()["access_token"]
    assert post(app.test_client(), "email/verify", access, token=token).status_code == 200


def test_address_that_was_left_unconfirmed_is_free_and_its_undo_link_void_once_proven(
    app: Flask, client: FlaskClient, squatted: tuple[str, str]
) -> None:
    _, undo = squatted
    assert register(client, email=OLD).status_code == 201
    confirm(app, "ada")
    assert said(post(client, "email/change/undo", token=undo)) == (410, "token_used")
    assert address(app, "mallory") == "evil@example.com"


def test_password_reset_and_change_of_address_prove_an_unconfirmed_old_address(
    app: Flask, client: FlaskClient, squatted: tuple[str, str]
) -> None:
    _, undo = squatted
    register(client, email=OLD)
    token = forget(app)
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    assert said(post(client, "email/change/undo", token=undo)) == (410, "token_used")


def test_change_to_an_unconfirmed_old_address_voids_its_undo_link(
    app: Flask, client: FlaskClient, squatted: tuple[str, str]
) -> None:
    _, undo = squatted
    assert moved(app, signed_in(client, "grace")["access_token"], OLD).status_code == 200
    assert said(post(client, "email/change/undo", token=undo)) == (410, "token_used")


def test_confirmed_old_address_stays_reserved_for_72_hours(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    confirmed(app)
    assert moved(app, login(client).get_json()["access_token"]).status_code == 200
    clock.advance(72 * HOUR - 1)
    assert said(register(client, "eve", email=OLD)) == (409, "email_taken")
    undo = mailbox.token(app, "email_changed", OLD)
    assert post(client, "email/change/undo", token=undo).status_code == 200


def test_undo_to_an_address_that_is_gone_locks_out_and_sends_no_mail(
    app: Flask, client: FlaskClient, squatted: tuple[str, str]
) -> None:
    access, undo = squatted
    register(client, "eve", email=OLD)  # and has not confirmed it
    mails = len(mailbox.sent(app))
    assert said(post(client, "email/change/undo", token=undo)) == (409, "email_taken")
    assert me(client, access).status_code == 401
    assert said(login(client, "mallory")) == (401, "invalid_credentials")
    assert len(mailbox.sent(app)) == mails
    assert events(app)[-2:] == ["sign_in_disowned", "sign_in_refused"]
    assert (address(app, "mallory"), address(app, "eve")) == ("evil@example.com", OLD)
    assert said(post(client, "email/change/undo", token=undo)) == (410, "token_used")


@pytest.mark.both_databases(slow=True)
def test_concurrent_proof_and_undo_leave_the_address_with_one_account(
    app: Flask, client: FlaskClient, squatted: tuple[str, str]
) -> None:
    _, undo = squatted
    register(client, email=OLD)
    token = mailbox.token(app, "verify_email", OLD)
    access = login(client).get_json()["access_token"]
    proving = partial(post, app.test_client(), "email/verify", access, token=token)
    undoing = partial(post, app.test_client(), "email/change/undo", token=undo)
    proven, undone = at_once([proving, undoing])
    assert proven.status_code == 200
    assert said(undone) in {(409, "email_taken"), (410, "token_used")}
    assert (address(app), address(app, "mallory")) == (OLD, "evil@example.com")


def test_registering_an_address_again_and_again_mails_three_notices_of_its_change(
    app: Flask, client: FlaskClient
) -> None:
    for number in range(5):
        register(client, f"mallory{number}", email=OLD)
        access = login(client, f"mallory{number}").get_json()["access_token"]
        assert moved(app, access, f"evil{number}@example.com").status_code == 200
    told = [template for template, to in mailbox.sent(app) if to == OLD]
    assert sorted(told) == ["email_changed"] * 3 + ["new_sign_in"] + ["verify_email"] * 2

"""Factors that an intruder added, and how the owner, and only the owner, removes them."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.cookies import DEVICE_HEADER
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator, Owner
from tests.support.compromised_account import CompromisedAccount, Way, by_first_mail, by_undoing_a_later_move
from tests.support.passkeys import ASKED, INVALID, add, added, log_in
from tests.support.requests import DAY, HOUR, NEW, forget, moved, post, prune, said
from tests.support.service import FixedClock, bearer, login, me, refresh, register, rows
from tests.support.soft_passkey import SoftPasskey

pytestmark = pytest.mark.both_databases(nightly=True)


def by_mail_of_the_passkey(compromised: CompromisedAccount) -> tuple[str, str]:
    return "sessions/disown", mailbox.token(compromised.app, "passkey_added")


@pytest.mark.parametrize("way", [by_first_mail, by_mail_of_the_passkey, by_undoing_a_later_move])
def test_intruders_passkey_is_refused_after_disown_or_undo(compromised: CompromisedAccount, way: Way) -> None:
    passkey = added(compromised.client, compromised.access)
    compromised.clock.advance(60)
    compromised.use(*way(compromised))
    compromised.new_password()
    assert said(log_in(compromised.client, passkey)) == INVALID
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200


def test_intruders_passkey_is_refused_after_disown_despite_many_logins(
    compromised: CompromisedAccount,
) -> None:
    passkey = added(compromised.client, compromised.access)
    for _ in range(4):
        compromised.clock.advance(HOUR)
        assert log_in(compromised.client, passkey).status_code == 200
    compromised.use("sessions/disown", mailbox.token(compromised.app, "new_sign_in"))
    compromised.new_password()
    assert said(log_in(compromised.client, passkey)) == INVALID


def test_password_reset_keeps_the_disown_link_for_a_passkey(compromised: CompromisedAccount) -> None:
    passkey = added(compromised.client, compromised.access)
    link = mailbox.token(compromised.app, "passkey_added")
    token = forget(compromised.app)
    assert post(compromised.client, "password/reset", token=token, password=NEW).status_code == 200
    assert log_in(compromised.client, passkey).status_code == 200
    compromised.use("sessions/disown", link)
    compromised.new_password()
    assert said(log_in(compromised.client, passkey)) == INVALID


def test_operator_lock_out_removes_an_intruders_passkey(compromised: CompromisedAccount) -> None:
    passkey = added(compromised.client, compromised.access)
    compromised.clock.advance(30 * DAY)
    assert log_in(compromised.client, passkey).status_code == 200
    done = compromised.app.test_cli_runner().invoke(args=["auth", "lock-out", "ada"])
    assert done.exit_code == 0, done.output
    assert rows(compromised.app, "SELECT operator FROM audit_events ORDER BY id DESC")[0]["operator"]
    compromised.new_password()
    assert said(log_in(compromised.client, passkey)) == INVALID
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200


@pytest.mark.both_databases(slow=True)
def test_intruders_totp_is_removed_a_day_after_the_password_reset(compromised: CompromisedAccount) -> None:
    compromised.app_on()
    compromised.use("sessions/disown", compromised.link)
    compromised.clock.advance(2 * DAY)
    assert prune(compromised.app)["factors"] == 0  # no login can stop it
    token = forget(compromised.app)
    assert post(compromised.client, "password/reset", token=token, password=NEW).status_code == 200
    compromised.clock.advance(DAY - 1)
    assert said(login(compromised.client, password=NEW)) == ASKED
    compromised.clock.advance(1)
    assert login(compromised.client, password=NEW).status_code == 200
    assert rows(compromised.app, "SELECT * FROM totp_factors") == []


def test_disown_followed_by_undo_does_not_leave_recovery_codes_alone(compromised: CompromisedAccount) -> None:
    assert moved(compromised.app, compromised.access).status_code == 200
    undo = mailbox.token(compromised.app, "email_changed")
    added(compromised.client, compromised.access)
    compromised.use("sessions/disown", mailbox.token(compromised.app, "passkey_added"))
    compromised.use("email/change/undo", undo)
    compromised.new_password()
    assert said(login(compromised.client, password=NEW)) == ASKED
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200


def test_disown_does_not_remove_a_new_factor_that_is_still_used(compromised: CompromisedAccount) -> None:
    """The owner's login was mailed, the owner then set up TOTP, and an intruder reads the mailbox."""
    phone = compromised.app_on()
    compromised.use("sessions/disown", compromised.link)
    compromised.new_password()
    asked = login(compromised.client, password=NEW)
    assert said(asked) == ASKED
    step = {"challenge_token": asked.get_json()["challenge_token"], "code": phone.next_code()}
    assert post(compromised.client, "login/second-factor", **step).status_code == 200
    compromised.clock.advance(7 * DAY)
    assert said(login(compromised.client, password=NEW)) == ASKED


def test_password_blocked_mail_announces_the_removal_of_a_new_factor(compromised: CompromisedAccount) -> None:
    compromised.app_on()
    compromised.use("sessions/disown", compromised.link)
    assert "a day later the second factor is removed" in mailbox.text_of(
        mailbox.newest(compromised.app, "password_blocked")
    )


@pytest.mark.both_databases(slow=True)
def test_disown_voids_new_recovery_codes_and_keeps_an_older_factor(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    owner = Owner(client, clock)
    clock.advance(8 * DAY)
    pair = owner.log_in()
    access = pair["access_token"]
    link = mailbox.token(app, "new_sign_in")
    clock.advance(1)
    made = post(client, "recovery-codes", access, code=owner.phone.next_code())
    stolen = made.get_json()["recovery_codes"][0]
    shown = {"refresh_token": pair["refresh_token"]}
    assert post(client, "sessions/disown", token=link, **shown).status_code == 200
    token = mailbox.token(app, "password_blocked")
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    asked = login(client, password=NEW).get_json()
    assert asked["methods"] == ["totp"]
    step = {"challenge_token": asked["challenge_token"], "recovery_code": stolen}
    assert said(post(client, "login/second-factor", **step)) == (401, "second_factor_invalid")


def test_password_reset_removes_passkeys_of_an_unconfirmed_account(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    passkey = added(client, str(login(client).get_json()["access_token"]))
    clock.advance(HOUR)  # three mails went to the unproven address
    assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200
    assert said(log_in(client, passkey)) == INVALID
    done = login(app.test_client(), password=NEW)
    assert done.status_code == 200
    assert done.get_json()["user"]["two_factor_enabled"] is False


@pytest.mark.both_databases(slow=True)
@pytest.mark.parametrize("kind", ["code", "passkey"])
def test_required_enrollment_ends_password_only_sessions(
    make_app: AppFactory, clock: FixedClock, kind: str
) -> None:
    app = make_app({"REQUIRE_SECOND_FACTOR": "true"})
    client = app.test_client()
    register(client)
    intruder = login(app.test_client(), remember=True).get_json()
    access = str(login(client).get_json()["access_token"])
    if kind == "passkey":
        options = post(client, "passkeys/options", access).get_json()["public_key"]
        body = {"credential": SoftPasskey().create(options), "end_other_sessions": False}
        assert post(client, "passkeys", access, **body).status_code == 201
    else:
        phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
        body = {"code": phone.code(), "end_other_sessions": False}
        assert post(client, "totp/confirm", access, **body).status_code == 200
    assert me(client, intruder["access_token"]).status_code == 401
    assert refresh(client, intruder["refresh_token"]).status_code == 401
    assert client.get("/auth/sessions", headers=bearer(access)).status_code == 200


def test_only_the_first_passkey_ends_other_sessions(app: Flask, client: FlaskClient) -> None:
    register(client)
    other = login(app.test_client()).get_json()["access_token"]
    access = str(login(client).get_json()["access_token"])
    passkey = added(client, access)
    assert me(client, other).status_code == 401
    other = log_in(app.test_client(), passkey).get_json()["access_token"]
    assert add(client, access, SoftPasskey())[0].status_code == 201
    assert me(client, other).status_code == 200


def test_trusting_a_device_replaces_its_device_token(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    """An earlier user of the browser has read its device token."""
    owner = Owner(client, clock)
    read = owner.log_in()["device_token"]
    headers = {DEVICE_HEADER: read}
    done = owner.second_step(code=owner.phone.next_code(), trust_device=True, headers=headers)
    mark = done.get_json()["device_token"]
    assert mark != read
    assert login(client, headers={DEVICE_HEADER: mark}).status_code == 200
    assert said(login(client, headers=headers)) == ASKED
    assert len(rows(app, "SELECT * FROM known_devices")) == 2


def test_address_change_requires_a_fresh_second_factor(client: FlaskClient, clock: FixedClock) -> None:
    owner = Owner(client, clock)
    done = owner.second_step(code=owner.phone.next_code(), trust_device=True).get_json()
    access = login(client, headers={DEVICE_HEADER: done["device_token"]}).get_json()["access_token"]
    refused = post(client, "email/change", access, email="new@example.com")
    assert said(refused) == (403, "reauth_required")

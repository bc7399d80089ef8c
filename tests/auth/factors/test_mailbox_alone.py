"""A mailbox alone lifts no second factor; with the owner's old browser it removes an intruder's."""

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from auth.cookies import DEVICE_HEADER
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator, Owner
from tests.support.compromised_account import CompromisedAccount, Way, by_first_mail, by_undoing_a_later_move
from tests.support.passkeys import ASKED, INVALID, added, log_in
from tests.support.requests import DAY, HOUR, NEW, confirmed, forget, moved, post, prune, said
from tests.support.service import FixedClock, bearer, login, refresh, rows

pytestmark = pytest.mark.both_databases(nightly=True)

OTHER = "the next password of the owner"


@pytest.mark.parametrize("way", [by_first_mail, by_undoing_a_later_move])
def test_mailbox_alone_never_lifts_a_young_authenticator_app(
    compromised: CompromisedAccount, way: Way
) -> None:
    """The thief of a mailbox opens the link, sets a new password and waits."""
    compromised.app_on()
    compromised.clock.advance(60)
    compromised.by_mailbox(*way(compromised))
    compromised.new_password()
    for days in (1, 7, 30):
        compromised.clock.advance(days * DAY)
        prune(compromised.app)
        assert said(login(compromised.client, password=NEW)) == ASKED
    assert len(rows(compromised.app, "SELECT * FROM totp_factors")) == 1


@pytest.mark.parametrize("way", [by_first_mail, by_undoing_a_later_move])
def test_mailbox_alone_does_not_remove_a_young_passkey_but_makes_it_need_the_password(
    compromised: CompromisedAccount, way: Way
) -> None:
    passkey = added(compromised.client, compromised.access)
    compromised.clock.advance(60)
    compromised.by_mailbox(*way(compromised))
    compromised.new_password()
    assert said(log_in(compromised.client, passkey)) == INVALID  # without the new password
    compromised.clock.advance(8 * DAY)
    asked = login(compromised.client, password=NEW)
    assert said(asked) == ASKED
    given = asked.get_json()
    step = {"challenge_token": given["challenge_token"], "passkey": passkey.get(given["passkey_options"])}
    assert post(compromised.client, "login/second-factor", **step).status_code == 200
    assert log_in(compromised.client, passkey).status_code == 200  # its holder knows the password


@pytest.mark.parametrize("shown", ["refresh token", "device token"])
@pytest.mark.parametrize("resets", [False, True])
def test_owner_with_mailbox_and_old_browser_lifts_a_young_factor(
    compromised: CompromisedAccount, shown: str, *, resets: bool
) -> None:
    """Adding the factor has ended the owner's session. The owner may have tried a new password first."""
    compromised.app_on()
    compromised.clock.advance(60)
    if resets:
        token = forget(compromised.app)
        assert post(compromised.client, "password/reset", token=token, password=OTHER).status_code == 200
    body, headers = {"token": compromised.link}, {}
    if shown == "refresh token":
        body["refresh_token"] = compromised.owner["refresh_token"]
    else:
        headers = {DEVICE_HEADER: compromised.owner["device_token"]}
    assert compromised.client.post("/auth/sessions/disown", json=body, headers=headers).status_code == 200
    compromised.new_password()
    assert said(login(compromised.client, password=NEW)) == ASKED
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200


@pytest.mark.parametrize(("refreshes", "lifts"), [(1, True), (2, False)])
def test_refresh_token_from_before_the_last_two_refreshes_lifts_nothing(
    compromised: CompromisedAccount, refreshes: int, lifts: bool
) -> None:
    """The parent of the present token may be the owner's, whose answer was lost; an older one is a copy."""
    first = compromised.owner["refresh_token"]
    present = first
    for _ in range(refreshes):
        present = refresh(compromised.client, present).get_json()["refresh_token"]
    compromised.app_on()
    compromised.clock.advance(60)
    body = {"token": compromised.link, "refresh_token": first}
    assert compromised.client.post("/auth/sessions/disown", json=body).status_code == 200
    compromised.new_password()
    compromised.clock.advance(2 * DAY)
    answer = said(login(compromised.client, password=NEW))
    assert answer == ((200, "") if lifts else ASKED)


class ShutOutThief:
    """A thief of a mailbox who set a new password and logged in, before the account had a second factor."""

    def __init__(self, app: Flask, clock: FixedClock) -> None:
        self.app, self.clock, self.client = app, clock, app.test_client()
        confirmed(app)
        login(self.client)
        clock.advance(HOUR)
        assert post(self.client, "password/reset", token=forget(app), password=NEW).status_code == 200
        self.kept = login(app.test_client(), password=NEW).get_json()
        clock.advance(HOUR)

    def recover(self, token: str) -> str:
        """Set the owner's password and switch codes on; return the link of the mail about that."""
        assert post(self.client, "password/reset", token=token, password=OTHER).status_code == 200
        self.clock.advance(60)
        access = login(self.client, password=OTHER).get_json()["access_token"]
        phone = Authenticator(post(self.client, "totp", access).get_json()["secret"], self.clock)
        assert post(self.client, "totp/confirm", access, code=phone.code()).status_code == 200
        self.clock.advance(HOUR)
        return mailbox.token(self.app, "two_factor_enabled")

    def comes_back(self, link: str) -> TestResponse:
        """Use the link with all that the thief kept, set a password, wait, and log in with it."""
        body = {"token": link, "refresh_token": self.kept["refresh_token"]}
        headers = {DEVICE_HEADER: self.kept["device_token"]}
        assert self.client.post("/auth/sessions/disown", json=body, headers=headers).status_code == 200
        token = mailbox.token(self.app, "password_blocked")
        assert post(self.client, "password/reset", token=token, password=NEW).status_code == 200
        self.clock.advance(2 * DAY)
        return login(self.app.test_client(), password=NEW)


@pytest.mark.parametrize("way", ["disown", "undo", "reset"])
def test_thief_of_the_mailbox_whose_access_was_ended_removes_no_factor(
    app: Flask, clock: FixedClock, way: str
) -> None:
    """The owner has repudiated the thief's session, or shut it out by a reset, and then added the factor."""
    thief = ShutOutThief(app, clock)
    if way == "reset":
        token = forget(app)
    elif way == "disown":
        link = mailbox.token(app, "new_sign_in")
        assert post(thief.client, "sessions/disown", token=link).status_code == 200
        token = mailbox.token(app, "password_blocked")
    else:
        access = login(thief.client, password=NEW).get_json()["access_token"]
        assert moved(app, access).status_code == 200
        link = mailbox.token(app, "email_changed")
        assert post(thief.client, "email/change/undo", token=link).status_code == 200
        token = mailbox.token(app, "password_blocked")
    assert said(thief.comes_back(thief.recover(token))) == ASKED
    assert len(rows(app, "SELECT * FROM totp_factors")) == 1


def test_device_from_before_a_reset_and_before_the_factor_removes_no_factor(
    app: Flask, clock: FixedClock
) -> None:
    """An intruder resets the password and adds a factor. An owner who shuts an intruder out does the same."""
    client = app.test_client()
    confirmed(app)
    device = login(client).get_json()["device_token"]
    clock.advance(HOUR)
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    access = login(client, password=NEW).get_json()["access_token"]
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    assert post(client, "totp/confirm", access, code=phone.code()).status_code == 200
    body, headers = {"token": mailbox.token(app, "two_factor_enabled")}, {DEVICE_HEADER: device}
    assert client.post("/auth/sessions/disown", json=body, headers=headers).status_code == 200
    assert "the password was reset by mail" in mailbox.text_of(mailbox.newest(app, "password_blocked"))
    token = mailbox.token(app, "password_blocked")
    assert post(client, "password/reset", token=token, password=OTHER).status_code == 200
    clock.advance(2 * DAY)
    assert said(login(client, password=OTHER)) == ASKED


@pytest.mark.both_databases(slow=True)
def test_device_counts_again_after_a_login_that_follows_the_reset(compromised: CompromisedAccount) -> None:
    device = {DEVICE_HEADER: compromised.owner["device_token"]}
    assert (
        post(compromised.client, "password/reset", token=forget(compromised.app), password=OTHER).status_code
        == 200
    )
    assert login(compromised.client, password=OTHER, headers=device).status_code == 200
    compromised.clock.advance(60)
    compromised.access = login(compromised.client, password=OTHER).get_json()["access_token"]
    compromised.app_on()
    compromised.clock.advance(60)
    body = {"token": mailbox.token(compromised.app, "two_factor_enabled")}
    assert compromised.client.post("/auth/sessions/disown", json=body, headers=device).status_code == 200
    compromised.new_password()
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200


@pytest.mark.both_databases(slow=True)
def test_owner_with_an_older_factor_removes_the_intruders_passkey(app: Flask, clock: FixedClock) -> None:
    client = app.test_client()
    owner = Owner(client, clock)
    clock.advance(8 * DAY)
    added(client, owner.log_in()["access_token"])
    link = mailbox.token(app, "passkey_added")
    assert post(client, "sessions/disown", token=link).status_code == 200
    told = mailbox.text_of(mailbox.newest(app, "password_blocked"))
    assert "remove it under" in told
    token = mailbox.token(app, "password_blocked")
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    challenge = login(client, password=NEW).get_json()["challenge_token"]
    step = {"challenge_token": challenge, "code": owner.phone.next_code()}
    access = post(client, "login/second-factor", **step).get_json()["access_token"]
    [passkey] = client.get("/auth/passkeys", headers=bearer(access)).get_json()["passkeys"]
    assert client.delete(f"/auth/passkeys/{passkey['id']}", headers=bearer(access)).status_code == 204
    assert said(login(client, password=NEW)) == ASKED


def test_access_that_is_younger_than_the_factor_lifts_nothing(compromised: CompromisedAccount) -> None:
    phone = compromised.app_on()
    compromised.clock.advance(60)
    challenge = login(compromised.client).get_json()["challenge_token"]
    step = {"challenge_token": challenge, "code": phone.next_code()}
    pair = post(compromised.client, "login/second-factor", **step).get_json()
    body = {"token": compromised.link, "refresh_token": pair["refresh_token"]}
    headers = {DEVICE_HEADER: pair["device_token"]}
    assert compromised.client.post("/auth/sessions/disown", json=body, headers=headers).status_code == 200
    compromised.new_password()
    compromised.clock.advance(2 * DAY)
    assert said(login(compromised.client, password=NEW)) == ASKED


def test_operator_lifts_the_factor_that_a_mailbox_alone_does_not(compromised: CompromisedAccount) -> None:
    compromised.app_on()
    compromised.by_mailbox("sessions/disown", compromised.link)
    told = mailbox.text_of(mailbox.newest(compromised.app, "password_blocked"))
    assert "otherwise contact support" in told
    done = compromised.app.test_cli_runner().invoke(args=["auth", "lock-out", "ada"])
    assert done.exit_code == 0, done.output
    token = forget(compromised.app)
    assert post(compromised.client, "password/reset", token=token, password=NEW).status_code == 200
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200

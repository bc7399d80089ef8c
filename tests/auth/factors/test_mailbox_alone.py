"""A mailbox alone lifts no second factor; with the owner's old browser it removes an intruder's."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.auth.factors.test_compromised_accounts import DEVICE_HEADER, CompromisedAccount
from tests.auth.factors.test_passkeys import ASKED, INVALID, added, log_in
from tests.support import mailbox
from tests.support.requests import DAY, NEW, forget, moved, post, prune, said
from tests.support.service import FixedClock, login, refresh, rows

pytestmark = pytest.mark.both_databases

Way = Callable[[CompromisedAccount], tuple[str, str]]


@pytest.fixture
def account(app: Flask, clock: FixedClock) -> CompromisedAccount:
    return CompromisedAccount(app, clock)


def by_disowning(account: CompromisedAccount) -> tuple[str, str]:
    return "sessions/disown", account.link


def by_undoing(account: CompromisedAccount) -> tuple[str, str]:
    assert moved(account.app, account.access).status_code == 200
    return "email/change/undo", mailbox.token(account.app, "email_changed")


@pytest.mark.parametrize("way", [by_disowning, by_undoing])
def test_mailbox_alone_never_lifts_a_young_authenticator_app(account: CompromisedAccount, way: Way) -> None:
    """The thief of a mailbox opens the link, sets a new password and waits."""
    account.app_on()
    account.clock.advance(60)
    account.by_mailbox(*way(account))
    account.new_password()
    for days in (1, 7, 30):
        account.clock.advance(days * DAY)
        prune(account.app)
        assert said(login(account.client, password=NEW)) == ASKED
    assert len(rows(account.app, "SELECT * FROM totp_factors")) == 1


@pytest.mark.parametrize("way", [by_disowning, by_undoing])
def test_mailbox_alone_neither_lifts_a_young_passkey_nor_leaves_it_alone_in(
    account: CompromisedAccount, way: Way
) -> None:
    passkey = added(account.client, account.access)
    account.clock.advance(60)
    account.by_mailbox(*way(account))
    account.new_password()
    assert said(log_in(account.client, passkey)) == INVALID  # without the new password
    account.clock.advance(8 * DAY)
    asked = login(account.client, password=NEW)
    assert said(asked) == ASKED
    given = asked.get_json()
    step = {"challenge_token": given["challenge_token"], "passkey": passkey.get(given["passkey_options"])}
    assert post(account.client, "login/second-factor", **step).status_code == 200
    assert log_in(account.client, passkey).status_code == 200  # its holder knows the password


@pytest.mark.parametrize("shown", ["refresh token", "device token"])
def test_owner_with_mailbox_and_old_browser_lifts_a_young_factor(
    account: CompromisedAccount, shown: str
) -> None:
    """Adding the factor has ended the owner's session."""
    account.app_on()
    account.clock.advance(60)
    body, headers = {"token": account.link}, {}
    if shown == "refresh token":
        body["refresh_token"] = account.owner["refresh_token"]
    else:
        headers = {DEVICE_HEADER: account.owner["device_token"]}
    assert account.client.post("/auth/sessions/disown", json=body, headers=headers).status_code == 200
    account.new_password()
    assert said(login(account.client, password=NEW)) == ASKED
    account.clock.advance(DAY)
    assert login(account.client, password=NEW).status_code == 200


@pytest.mark.parametrize(("refreshes", "lifts"), [(1, True), (2, False)])
def test_refresh_token_from_before_the_last_two_refreshes_lifts_nothing(
    account: CompromisedAccount, refreshes: int, lifts: bool
) -> None:
    """The parent of the present token may be the owner's, whose answer was lost; an older one is a copy."""
    first = account.owner["refresh_token"]
    present = first
    for _ in range(refreshes):
        present = refresh(account.client, present).get_json()["refresh_token"]
    account.app_on()
    account.clock.advance(60)
    body = {"token": account.link, "refresh_token": first}
    assert account.client.post("/auth/sessions/disown", json=body).status_code == 200
    account.new_password()
    account.clock.advance(2 * DAY)
    answer = said(login(account.client, password=NEW))
    assert answer == ((200, "") if lifts else ASKED)


def test_access_that_is_younger_than_the_factor_lifts_nothing(account: CompromisedAccount) -> None:
    phone = account.app_on()
    account.clock.advance(60)
    challenge = login(account.client).get_json()["challenge_token"]
    step = {"challenge_token": challenge, "code": phone.next_code()}
    pair = post(account.client, "login/second-factor", **step).get_json()
    body = {"token": account.link, "refresh_token": pair["refresh_token"]}
    headers = {DEVICE_HEADER: pair["device_token"]}
    assert account.client.post("/auth/sessions/disown", json=body, headers=headers).status_code == 200
    account.new_password()
    account.clock.advance(2 * DAY)
    assert said(login(account.client, password=NEW)) == ASKED


def test_operator_lifts_the_factor_that_a_mailbox_alone_does_not(account: CompromisedAccount) -> None:
    account.app_on()
    account.by_mailbox("sessions/disown", account.link)
    told = mailbox.text_of(mailbox.newest(account.app, "password_blocked"))
    assert "otherwise contact support" in told
    done = account.app.test_cli_runner().invoke(args=["auth", "lock-out", "ada"])
    assert done.exit_code == 0, done.output
    token = forget(account.app)
    assert post(account.client, "password/reset", token=token, password=NEW).status_code == 200
    account.clock.advance(DAY)
    assert login(account.client, password=NEW).status_code == 200

"""A mailbox alone lifts no second factor; with the owner's old browser it removes an intruder's."""

import pytest

from auth.cookies import DEVICE_HEADER
from tests.support import mailbox
from tests.support.compromised_account import CompromisedAccount, Way, by_first_mail, by_undoing_a_later_move
from tests.support.passkeys import ASKED, INVALID, added, log_in
from tests.support.requests import DAY, NEW, forget, post, prune, said
from tests.support.service import login, refresh, rows

pytestmark = pytest.mark.both_databases


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
def test_mailbox_alone_neither_lifts_a_young_passkey_nor_leaves_it_alone_in(
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
def test_owner_with_mailbox_and_old_browser_lifts_a_young_factor(
    compromised: CompromisedAccount, shown: str
) -> None:
    """Adding the factor has ended the owner's session."""
    compromised.app_on()
    compromised.clock.advance(60)
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
    assert "only an operator can remove it" in told
    done = compromised.app.test_cli_runner().invoke(args=["auth", "lock-out", "ada"])
    assert done.exit_code == 0, done.output
    token = forget(compromised.app)
    assert post(compromised.client, "password/reset", token=token, password=NEW).status_code == 200
    compromised.clock.advance(DAY)
    assert login(compromised.client, password=NEW).status_code == 200

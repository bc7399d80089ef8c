"""Factors that an intruder added, and ways in which the owner, and nobody else, is rid of them."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.auth.factors.test_passkeys import ASKED, INVALID, add, added, log_in
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import DAY, HOUR, NEW, confirmed, forget, moved, post, prune, said
from tests.support.service import FixedClock, bearer, login, me, refresh, register, rows
from tests.support.soft_passkey import SoftPasskey
from tests.support.virtual_authenticator import Authenticator, Owner

pytestmark = pytest.mark.both_databases

MARK = "X-Device-Token"


class Break:
    """An account with a password alone, and an intruder in it who knows that."""

    def __init__(self, app: Flask, clock: FixedClock) -> None:
        self.app, self.clock, self.client = app, clock, app.test_client()
        confirmed(app)
        login(self.client)
        clock.advance(HOUR)
        self.access = str(login(self.client).get_json()["access_token"])
        self.link = mailbox.token(app, "new_sign_in")
        clock.advance(60)

    def app_on(self) -> Authenticator:
        phone = Authenticator(post(self.client, "totp", self.access).get_json()["secret"], self.clock)
        assert post(self.client, "totp/confirm", self.access, code=phone.code()).status_code == 200
        return phone

    def use(self, path: str, link: str) -> None:
        assert post(self.app.test_client(), path, token=link).status_code == 200

    def new_password(self) -> None:
        token = mailbox.token(self.app, "password_blocked")
        assert post(self.client, "password/reset", token=token, password=NEW).status_code == 200


@pytest.fixture
def theft(app: Flask, clock: FixedClock) -> Break:
    return Break(app, clock)


def by_first_mail(theft: Break) -> tuple[str, str]:
    return "sessions/disown", theft.link


def by_mail_of_the_passkey(theft: Break) -> tuple[str, str]:
    return "sessions/disown", mailbox.token(theft.app, "passkey_added")


def by_undoing_a_later_move(theft: Break) -> tuple[str, str]:
    assert moved(theft.app, theft.access).status_code == 200
    return "email/change/undo", mailbox.token(theft.app, "email_changed")


@pytest.mark.parametrize("way", [by_first_mail, by_mail_of_the_passkey, by_undoing_a_later_move])
def test_an_intruders_passkey_opens_nothing_again(
    theft: Break, way: Callable[[Break], tuple[str, str]]
) -> None:
    passkey = added(theft.client, theft.access)
    theft.clock.advance(60)
    theft.use(*way(theft))
    theft.new_password()
    assert said(log_in(theft.client, passkey)) == INVALID
    theft.clock.advance(DAY)
    assert login(theft.client, password=NEW).status_code == 200


def test_nor_after_the_intruder_has_logged_in_again_and_again(theft: Break) -> None:
    passkey = added(theft.client, theft.access)
    for _ in range(4):
        theft.clock.advance(HOUR)
        assert log_in(theft.client, passkey).status_code == 200
    theft.use("sessions/disown", mailbox.token(theft.app, "new_sign_in"))
    theft.new_password()
    assert said(log_in(theft.client, passkey)) == INVALID


def test_a_reset_leaves_the_owner_the_link_that_rids_them_of_it(theft: Break) -> None:
    passkey = added(theft.client, theft.access)
    link = mailbox.token(theft.app, "passkey_added")
    token = forget(theft.app)
    assert post(theft.client, "password/reset", token=token, password=NEW).status_code == 200
    assert log_in(theft.client, passkey).status_code == 200
    theft.use("sessions/disown", link)
    theft.new_password()
    assert said(log_in(theft.client, passkey)) == INVALID


def test_an_operator_can_say_it_for_the_owner(theft: Break) -> None:
    passkey = added(theft.client, theft.access)
    theft.clock.advance(30 * DAY)
    assert log_in(theft.client, passkey).status_code == 200
    done = theft.app.test_cli_runner().invoke(args=["auth", "lock-out", "ada"])
    assert done.exit_code == 0, done.output
    assert rows(theft.app, "SELECT operator FROM audit_events ORDER BY id DESC")[0]["operator"]
    theft.new_password()
    assert said(log_in(theft.client, passkey)) == INVALID
    theft.clock.advance(DAY)
    assert login(theft.client, password=NEW).status_code == 200


def test_an_intruders_app_goes_a_day_after_the_new_password(theft: Break) -> None:
    theft.app_on()
    theft.use("sessions/disown", theft.link)
    theft.clock.advance(2 * DAY)
    assert prune(theft.app)["factors"] == 0  # nobody can log in to stop it
    token = forget(theft.app)
    assert post(theft.client, "password/reset", token=token, password=NEW).status_code == 200
    theft.clock.advance(DAY - 1)
    assert said(login(theft.client, password=NEW)) == ASKED
    theft.clock.advance(1)
    assert login(theft.client, password=NEW).status_code == 200
    assert rows(theft.app, "SELECT * FROM totp_factors") == []


def test_saying_it_twice_leaves_nobody_with_recovery_codes_alone(theft: Break) -> None:
    assert moved(theft.app, theft.access).status_code == 200
    undo = mailbox.token(theft.app, "email_changed")
    added(theft.client, theft.access)
    theft.use("sessions/disown", mailbox.token(theft.app, "passkey_added"))
    theft.use("email/change/undo", undo)
    theft.new_password()
    assert said(login(theft.client, password=NEW)) == ASKED
    theft.clock.advance(DAY)
    assert login(theft.client, password=NEW).status_code == 200


def test_the_mailbox_alone_lifts_no_new_factor_whose_owner_logs_in(theft: Break) -> None:
    """The owner's own log-in was mailed, then the owner set an app up; somebody else reads the mailbox."""
    phone = theft.app_on()
    theft.use("sessions/disown", theft.link)
    theft.new_password()
    asked = login(theft.client, password=NEW)
    assert said(asked) == ASKED
    step = {"challenge_token": asked.get_json()["challenge_token"], "code": phone.next_code()}
    assert post(theft.client, "login/second-factor", **step).status_code == 200
    theft.clock.advance(7 * DAY)
    assert said(login(theft.client, password=NEW)) == ASKED


def test_the_mail_says_what_becomes_of_a_new_factor(theft: Break) -> None:
    theft.app_on()
    theft.use("sessions/disown", theft.link)
    assert "it is removed on" in mailbox.text_of(mailbox.newest(theft.app, "password_blocked"))


def test_new_recovery_codes_of_an_intruder_are_void_where_an_older_factor_is_left(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    owner = Owner(client, clock)
    clock.advance(8 * DAY)
    access = owner.log_in()["access_token"]
    link = mailbox.token(app, "new_sign_in")
    made = post(client, "recovery-codes", access, code=owner.phone.next_code())
    stolen = made.get_json()["recovery_codes"][0]
    assert post(client, "sessions/disown", token=link).status_code == 200
    token = mailbox.token(app, "password_blocked")
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    asked = login(client, password=NEW).get_json()
    assert asked["methods"] == ["totp"]
    step = {"challenge_token": asked["challenge_token"], "recovery_code": stolen}
    assert said(post(client, "login/second-factor", **step)) == (401, "second_factor_invalid")


def test_who_signed_up_with_a_strangers_address_keeps_no_passkey_there(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    passkey = added(client, str(login(client).get_json()["access_token"]))
    assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200
    assert said(log_in(client, passkey)) == INVALID
    done = login(app.test_client(), password=NEW)
    assert done.status_code == 200
    assert done.get_json()["user"]["two_factor_enabled"] is False


@pytest.mark.parametrize("kind", ["code", "passkey"])
def test_a_session_of_the_password_alone_does_not_outlive_a_set_up_that_is_required(
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


def test_the_first_passkey_ends_the_other_sessions_and_later_ones_do_not(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    other = login(app.test_client()).get_json()["access_token"]
    access = str(login(client).get_json()["access_token"])
    passkey = added(client, access)
    assert me(client, other).status_code == 401
    other = log_in(app.test_client(), passkey).get_json()["access_token"]
    assert add(client, access, SoftPasskey())[0].status_code == 201
    assert me(client, other).status_code == 200


def test_a_mark_from_before_is_not_trusted(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    """Somebody who used the browser before has read its mark."""
    owner = Owner(client, clock)
    read = owner.log_in()["device_token"]
    headers = {MARK: read}
    done = owner.second_step(code=owner.phone.next_code(), trust_device=True, headers=headers)
    mark = done.get_json()["device_token"]
    assert mark != read
    assert login(client, headers={MARK: mark}).status_code == 200
    assert said(login(client, headers=headers)) == ASKED
    assert len(rows(app, "SELECT * FROM known_devices")) == 2


def test_the_address_moves_by_a_factor_only(client: FlaskClient, clock: FixedClock) -> None:
    owner = Owner(client, clock)
    done = owner.second_step(code=owner.phone.next_code(), trust_device=True).get_json()
    access = login(client, headers={MARK: done["device_token"]}).get_json()["access_token"]
    refused = post(client, "email/change", access, email="new@example.com")
    assert said(refused) == (403, "reauth_required")

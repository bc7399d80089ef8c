"""A hundred wrong authenticator codes in a row, after which codes are refused."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.factors.totp_guesses import MAX_WRONG
from auth.factors.verification import MAX_TRIES, TRIES_WINDOW
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator, Owner
from tests.support.passkeys import added
from tests.support.passkeys import log_in as log_in_by_passkey
from tests.support.requests import DAY, HOUR, NEW, forget, post, said
from tests.support.service import FixedClock, bearer, events, execute, login, rows, signed_in

BLOCKED = (403, "totp_blocked")
INVALID = (401, "second_factor_invalid")
DEVICE = "X-Device-Token"


def enroll(owner: Owner, pair: dict[str, Any], clock: FixedClock) -> None:
    """Set up an authenticator app in this session, from the device of its login."""
    headers = bearer(pair["access_token"]) | {DEVICE: pair["device_token"]}
    begun = owner.client.post("/auth/totp", headers=headers)
    owner.phone = Authenticator(begun.get_json()["secret"], clock)
    body = {"code": owner.phone.code()}
    assert owner.client.post("/auth/totp/confirm", json=body, headers=headers).status_code == 200


def guess(owner: Owner, clock: FixedClock, number: int, **how: Any) -> None:
    """Send wrong codes at the pace that the limit of fifteen minutes allows."""
    for count in range(number):
        if count % (MAX_TRIES - 1) == 0:
            clock.advance(TRIES_WINDOW.total_seconds())
        assert said(owner.second_step(code=owner.phone.wrong_code(), **how)) == INVALID
    clock.advance(TRIES_WINDOW.total_seconds())


def nearly_blocked(app: Flask, wrong: int = MAX_WRONG) -> None:
    """Store this many wrong codes in a row from unknown devices."""
    execute(app, "UPDATE totp_factors SET failures = :wrong", wrong=wrong)


@pytest.mark.both_databases(nightly=True)
def test_after_a_hundred_wrong_codes_in_a_row_the_right_one_is_refused(
    owner: Owner, clock: FixedClock
) -> None:
    guess(owner, clock, MAX_WRONG)
    for _ in range(MAX_TRIES + 2):
        assert said(owner.second_step(code=owner.phone.next_code())) == BLOCKED
    clock.advance(30 * DAY)
    assert said(owner.second_step(code=owner.phone.next_code())) == BLOCKED


def test_right_code_before_the_hundredth_begins_a_new_row(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    nearly_blocked(app, MAX_WRONG - 2)
    guess(owner, clock, 1)
    owner.log_in()
    assert rows(app, "SELECT failures FROM totp_factors") == [{"failures": 0}]
    guess(owner, clock, 1)
    owner.log_in()


def test_blocked_codes_are_refused_for_step_up_and_factor_changes(app: Flask, owner: Owner) -> None:
    nearly_blocked(app)
    code = owner.phone.next_code()
    assert said(post(owner.client, "reauth", owner.access, code=code)) == BLOCKED
    assert said(owner.remove(code=code)) == BLOCKED
    assert said(post(owner.client, "recovery-codes", owner.access, code=code)) == BLOCKED


def test_wrong_codes_of_step_up_count(app: Flask, owner: Owner) -> None:
    nearly_blocked(app, MAX_WRONG - 1)
    wrong = owner.phone.wrong_code()
    assert said(post(owner.client, "reauth", owner.access, code=wrong)) == (403, "wrong_code")
    assert said(owner.second_step(code=owner.phone.next_code())) == BLOCKED


def test_recovery_code_goes_on_and_ends_the_block(app: Flask, owner: Owner) -> None:
    nearly_blocked(app)
    assert said(owner.second_step(recovery_code="wrong")) == INVALID
    assert said(owner.second_step(code=owner.phone.next_code())) == BLOCKED
    assert owner.second_step(recovery_code=owner.recovery_codes[0]).status_code == 200
    owner.log_in()


def test_wrong_recovery_codes_and_passkeys_do_not_count(app: Flask, owner: Owner) -> None:
    nearly_blocked(app, MAX_WRONG - 1)
    for given in ({"recovery_code": "wrong"}, {"passkey": {"id": "x"}}):
        assert said(owner.second_step(**given)) == INVALID
    owner.log_in()


@pytest.mark.parametrize("alone", [True, False])
def test_passkey_goes_on_and_ends_the_block(app: Flask, owner: Owner, *, alone: bool) -> None:
    passkey = added(owner.client, owner.access)
    nearly_blocked(app)
    if alone:
        assert log_in_by_passkey(owner.client, passkey).status_code == 200
    else:
        asked = login(owner.client).get_json()
        proof = passkey.get(asked["passkey_options"])
        assert owner.second_step(asked["challenge_token"], passkey=proof).status_code == 200
    owner.log_in()


@pytest.mark.both_databases
def test_known_device_has_its_own_hundred(app: Flask, owner: Owner, clock: FixedClock) -> None:
    device = {"X-Device-Token": owner.log_in()["device_token"]}
    nearly_blocked(app)
    assert said(owner.second_step(code=owner.phone.next_code())) == BLOCKED
    guess(owner, clock, 1, headers=device)
    found = rows(app, "SELECT sum(totp_failures) AS n FROM known_devices")
    assert found == [{"n": 1}]
    assert rows(app, "SELECT failures FROM totp_factors") == [{"failures": MAX_WRONG}]
    execute(app, "UPDATE known_devices SET totp_failures = :n", n=MAX_WRONG)
    assert said(owner.second_step(code=owner.phone.next_code(), headers=device)) == BLOCKED


def test_right_code_of_a_known_device_ends_the_block_of_the_others(app: Flask, owner: Owner) -> None:
    device = {"X-Device-Token": owner.log_in()["device_token"]}
    nearly_blocked(app)
    assert owner.second_step(code=owner.phone.next_code(), headers=device).status_code == 200
    owner.log_in()


@pytest.mark.both_databases(slow=True)
def test_devices_from_before_the_factor_share_one_hundred(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    """An attacker who knows the password can make fifty devices known before there is a second factor."""
    early = [signed_in(client)["device_token"] for _ in range(3)]
    clock.advance(60)
    owner = Owner(client, clock)
    for token in early:
        guess(owner, clock, 1, headers={DEVICE: token})
    assert rows(app, "SELECT failures FROM totp_factors") == [{"failures": len(early)}]
    nearly_blocked(app)
    for token in early:
        assert said(owner.second_step(code=owner.phone.next_code(), headers={DEVICE: token})) == BLOCKED


@pytest.mark.both_databases(slow=True)
def test_device_of_the_enrollment_has_its_own_hundred(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    owner = Owner(client, clock)
    run = app.test_cli_runner().invoke(args=["auth", "reset-factors", "ada"])
    assert run.exit_code == 0, run.output
    clock.advance(DAY)
    pair = login(client).get_json()
    clock.advance(60)
    enroll(owner, pair, clock)
    nearly_blocked(app)
    assert said(owner.second_step(code=owner.phone.next_code())) == BLOCKED
    device = {DEVICE: pair["device_token"]}
    assert owner.second_step(code=owner.phone.next_code(), headers=device).status_code == 200


@pytest.mark.both_databases(slow=True)
def test_new_app_is_not_blocked_by_wrong_codes_for_the_old_one(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    device = {DEVICE: owner.log_in()["device_token"]}
    execute(app, "UPDATE known_devices SET totp_failures = :n", n=MAX_WRONG)
    run = app.test_cli_runner().invoke(args=["auth", "reset-factors", "ada"])
    assert run.exit_code == 0, run.output
    clock.advance(DAY)
    enroll(owner, login(owner.client, headers=device).get_json(), clock)
    assert owner.second_step(code=owner.phone.next_code(), headers=device).status_code == 200


def test_device_of_another_account_is_no_known_device(app: Flask, owner: Owner, clock: FixedClock) -> None:
    other = Owner(app.test_client(), clock, "grace")
    device = {"X-Device-Token": other.log_in()["device_token"]}
    nearly_blocked(app)
    assert said(owner.second_step(code=owner.phone.next_code(), headers=device)) == BLOCKED


def test_password_reset_does_not_end_the_block(app: Flask, owner: Owner) -> None:
    nearly_blocked(app)
    assert post(owner.client, "password/reset", token=forget(app), password=NEW).status_code == 200
    challenge = login(owner.client, password=NEW).get_json()["challenge_token"]
    assert said(owner.second_step(challenge, code=owner.phone.next_code())) == BLOCKED


def test_operator_ends_the_block_that_explain_names(app: Flask, owner: Owner) -> None:
    nearly_blocked(app)
    run = app.test_cli_runner().invoke
    assert "100 wrong authenticator codes in a row" in run(args=["auth", "explain", "ada"]).stdout
    assert run(args=["auth", "unblock-totp", "ada"]).stdout == "Codes are accepted.\n"
    assert events(app)[-1] == "totp_unblocked"
    assert run(args=["auth", "unblock-totp", "ada"]).stdout == "There were no wrong codes.\n"
    assert "wrong authenticator codes" not in run(args=["auth", "explain", "ada"]).stdout
    owner.log_in()


def test_explain_names_the_block_of_a_known_device(app: Flask, owner: Owner) -> None:
    owner.log_in()
    execute(app, "UPDATE known_devices SET totp_failures = :n", n=MAX_WRONG)
    told = app.test_cli_runner().invoke(args=["auth", "explain", "ada"]).stdout
    assert "100 wrong authenticator codes in a row came from 2 known devices" in told


@pytest.mark.both_databases(slow=True)
def test_each_wrong_code_writes_one_event_and_a_blocked_source_one_an_hour(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    refused = (
        "SELECT reason, count, user_id FROM audit_events WHERE event = 'second_factor_refused' ORDER BY id"
    )
    nearly_blocked(app, MAX_WRONG - 1)
    guess(owner, clock, 1)
    wrong = {"reason": "wrong_code", "count": 1, "user_id": 1}
    assert rows(app, refused) == [wrong]
    clock.advance(DAY)
    for number in (3, 2):
        for _ in range(number):
            assert said(owner.second_step(code=owner.phone.wrong_code())) == BLOCKED
        clock.advance(HOUR)
    blocked = [{"reason": "totp_blocked", "count": number, "user_id": 1} for number in (3, 2)]
    assert rows(app, refused) == [wrong, *blocked]


def test_owner_is_told_of_the_block_once_a_day(app: Flask, owner: Owner, clock: FixedClock) -> None:
    nearly_blocked(app, MAX_WRONG - 1)
    guess(owner, clock, 1)
    assert len(mailbox.mails(app, "totp_blocked")) == 1
    for _ in range(3):
        assert said(owner.second_step(code=owner.phone.wrong_code())) == BLOCKED
    assert len(mailbox.mails(app, "totp_blocked")) == 1
    clock.advance(DAY)
    assert said(owner.second_step(code=owner.phone.wrong_code())) == BLOCKED
    assert len(mailbox.mails(app, "totp_blocked")) == 2
    assert "A hundred wrong" in mailbox.text_of(mailbox.newest(app, "totp_blocked"))


def test_refused_codes_leave_the_budget_of_recovery_codes(app: Flask, owner: Owner) -> None:
    nearly_blocked(app)
    for _ in range(MAX_TRIES + 1):
        assert said(owner.second_step(code=owner.phone.wrong_code())) == BLOCKED
    assert owner.second_step(recovery_code=owner.recovery_codes[0]).status_code == 200

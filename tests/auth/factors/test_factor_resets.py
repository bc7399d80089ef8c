"""Operator reset of second factors: announced by mail, delayed by a day, cancelled by any session."""

import json
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import iso
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator, Owner
from tests.support.passkeys import INVALID, add, added, log_in
from tests.support.requests import DAY, NEW, OPERATOR, confirmed, disable, enable, forget, post, prune, said
from tests.support.service import (
    FixedClock,
    at_once,
    bearer,
    events,
    execute,
    login,
    me,
    refresh,
    rows,
    signed_in,
)
from tests.support.soft_passkey import SoftPasskey

pytestmark = pytest.mark.both_databases(nightly=True)

ASKED = (401, "second_factor_required")
NOTHING = (409, "no_factors_reset")
FACTORS = ("totp_factors", "passkeys", "recovery_codes")


def reset(app: Flask, *more: str, fails: bool = False) -> str:
    """Run `flask auth reset-factors ada`; return its output."""
    done = app.test_cli_runner().invoke(args=["auth", "reset-factors", "ada", *more])
    assert done.exit_code == int(fails), done.output
    return done.output


def stop(client: FlaskClient, access: str) -> TestResponse:
    return client.delete("/auth/factors-reset", headers=bearer(access))


def factors(app: Flask) -> list[int]:
    """Return the number of rows of each kind of factor."""
    return [len(rows(app, f"SELECT * FROM {table}")) for table in FACTORS]


@pytest.mark.both_databases(slow=True)
def test_factor_reset_takes_effect_at_the_first_login_after_a_day(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    assert "will be removed at 2026-" in reset(app)
    due = iso(clock.now() + timedelta(days=1))
    assert me(owner.client, owner.access).get_json()["factors_reset_at"] == due
    clock.advance(DAY - 1)
    assert said(login(owner.client)) == ASKED
    clock.advance(1)
    done = login(owner.client)
    assert done.status_code == 200
    assert done.get_json()["user"]["two_factor_enabled"] is False
    assert factors(app) == [0, 0, 0]
    assert events(app)[-2:] == ["factors_reset", "signed_in"]
    told = me(owner.client, done.get_json()["access_token"]).get_json()
    assert told["factors_reset_at"] is None
    assert told["recovery_codes_left"] == 0


def test_factor_reset_mails_the_owner_at_start_and_completion(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    reset(app)
    begun = mailbox.text_of(mailbox.newest(app, "factors_reset_begun"))
    assert "UTC. After that, the password alone" in begun
    assert rows(app, "SELECT operator FROM audit_events ORDER BY id DESC")[0]["operator"]
    clock.advance(DAY)
    login(owner.client)
    assert "were removed on" in mailbox.text_of(mailbox.newest(app, "factors_reset"))


def test_factor_reset_can_be_stopped_by_any_session(app: Flask, owner: Owner, clock: FixedClock) -> None:
    again = owner.log_in()
    reset(app)
    clock.advance(3000)
    assert said(stop(owner.client, again["access_token"])) == (200, "")
    assert events(app)[-1] == "factors_reset_stopped"
    assert "another person is logged in" in mailbox.text_of(mailbox.newest(app, "factors_reset_stopped"))
    clock.advance(2 * DAY)
    assert said(login(owner.client)) == ASKED
    assert factors(app)[0] == 1


def test_stop_without_a_pending_factor_reset_is_a_409(app: Flask, owner: Owner, clock: FixedClock) -> None:
    assert said(stop(owner.client, owner.access)) == NOTHING
    reset(app)
    clock.advance(DAY)
    access = login(owner.client).get_json()["access_token"]
    assert said(stop(owner.client, access)) == NOTHING


def test_factor_reset_cannot_be_stopped_by_another_account(app: Flask, owner: Owner) -> None:
    reset(app)
    other = signed_in(app.test_client(), "grace")["access_token"]
    assert said(stop(owner.client, other)) == NOTHING
    assert stop(app.test_client(), "x.y.z").status_code == 401
    assert me(owner.client, owner.access).get_json()["factors_reset_at"]


def test_factor_reset_can_be_stopped_by_an_operator(app: Flask, owner: Owner, clock: FixedClock) -> None:
    reset(app)
    assert "stay" in reset(app, "--stop")
    told = mailbox.text_of(mailbox.newest(app, "factors_reset_stopped"))
    assert "Device: the command line IP address: at the service itself" in told
    assert "another person" not in told
    assert "No removal of your second factors is pending." in reset(app, "--stop", fails=True)
    clock.advance(2 * DAY)
    assert said(login(owner.client)) == ASKED


def test_repeated_factor_reset_keeps_the_first_due_time(app: Flask, owner: Owner, clock: FixedClock) -> None:
    first = json.loads(reset(app, "--json"))["factors_reset_at"]
    clock.advance(1000)
    assert json.loads(reset(app, "--json"))["factors_reset_at"] == first
    assert len(mailbox.mails(app, "factors_reset_begun")) == 1
    assert len([each for each in events(app) if each == "factors_reset_begun"]) == 1


def test_factor_reset_without_a_factor_is_refused(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    assert "no second factor" in reset(app, fails=True)


def test_passkey_login_is_refused_once_the_factor_reset_is_due(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    passkey = added(client, signed_in(client)["access_token"])
    reset(app)
    clock.advance(DAY)
    assert said(log_in(client, passkey)) == INVALID
    assert factors(app) == [0, 0, 0]
    assert login(client).status_code == 200


@pytest.mark.both_databases(slow=True)
def test_prune_completes_a_due_factor_reset(app: Flask, owner: Owner, clock: FixedClock) -> None:
    reset(app)
    clock.advance(DAY - 1)
    assert prune(app)["factors"] == 0
    clock.advance(1)
    assert prune(app)["factors"] == 1
    assert factors(app) == [0, 0, 0]
    (row,) = rows(app, "SELECT operator FROM audit_events WHERE event = 'factors_reset'")
    assert row["operator"] == OPERATOR.name
    assert mailbox.newest(app, "factors_reset")
    assert login(owner.client).status_code == 200


@pytest.mark.parametrize("change", ["passkey", "code", "disown"])
def test_factor_change_or_disown_cancels_the_factor_reset(
    app: Flask, client: FlaskClient, clock: FixedClock, change: str
) -> None:
    confirmed(app)
    owner = Owner(client, clock)
    clock.advance(8 * DAY)
    owner.access = owner.log_in()["access_token"]  # on a new device
    reset(app)
    if change == "passkey":
        assert add(client, owner.access, SoftPasskey())[0].status_code == 201
    elif change == "code":
        assert owner.remove(code=owner.phone.next_code()).status_code == 200
        owner.phone = Authenticator(post(client, "totp", owner.access).get_json()["secret"], clock)
        assert post(client, "totp/confirm", owner.access, code=owner.phone.code()).status_code == 200
    else:
        link = mailbox.token(app, "new_sign_in")
        assert post(client, "sessions/disown", token=link).status_code == 200
    assert rows(app, "SELECT factors_reset_due_at AS due FROM users")[0]["due"] is None
    assert rows(app, "SELECT two_factor_at FROM users")[0]["two_factor_at"]


def test_password_reset_restarts_the_factor_reset_delay(app: Flask, owner: Owner, clock: FixedClock) -> None:
    reset(app)
    clock.advance(DAY - 1)
    assert post(owner.client, "password/reset", token=forget(app), password=NEW).status_code == 200
    clock.advance(DAY - 1)
    assert said(login(owner.client, password=NEW)) == ASKED
    clock.advance(1)
    assert login(owner.client, password=NEW).status_code == 200


def test_factor_reset_delay_is_postponed_while_the_account_is_disabled(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    reset(app)
    disable(app)
    assert "disabled" in reset(app, fails=True)
    clock.advance(2 * DAY)
    assert prune(app)["factors"] == 0
    enable(app)
    clock.advance(DAY - 1)
    assert prune(app)["factors"] == 0
    clock.advance(1)
    assert prune(app)["factors"] == 1


@pytest.mark.parametrize("by", ["code", "passkey"])
def test_login_with_a_factor_cancels_the_factor_reset(
    app: Flask, client: FlaskClient, owner: Owner, clock: FixedClock, by: str
) -> None:
    passkey = added(client, owner.access)
    reset(app)
    assert by == "code" or log_in(client, passkey).status_code == 200
    assert by == "passkey" or owner.log_in()
    assert mailbox.newest(app, "factors_reset_stopped")
    assert "factors_reset_stopped" in events(app)
    clock.advance(2 * DAY)
    assert said(login(client)) == ASKED


def test_passwordless_account_recovers_by_password_reset_after_factor_reset(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    confirmed(app)
    added(client, login(client).get_json()["access_token"])
    execute(app, "UPDATE users SET password_hash = NULL")
    reset(app)
    clock.advance(DAY)
    assert prune(app)["factors"] == 1
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    assert login(client, password=NEW).status_code == 200


@pytest.mark.both_databases(slow=True)
def test_concurrent_stop_and_completion_of_factor_reset_leave_one_outcome(
    app: Flask, client: FlaskClient, owner: Owner, clock: FixedClock
) -> None:
    renewable = owner.log_in(remember=True)["refresh_token"]
    reset(app)
    clock.advance(DAY)
    access = refresh(client, renewable).get_json()["access_token"]
    calls: list[Callable[[], TestResponse]] = [partial(login, app.test_client()) for _ in range(3)]
    calls.append(partial(stop, client, access))
    *logins, stopped = [answer.status_code for answer in at_once(calls)]
    kept = stopped == 200
    assert stopped in {200, 409}
    assert factors(app)[0] == kept
    assert set(logins) == {401} if kept else 200 in logins
    done = [each for each in events(app) if each in {"factors_reset", "factors_reset_stopped"}]
    assert done == ["factors_reset_stopped" if kept else "factors_reset"]

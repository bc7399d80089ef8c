"""Brute-force protection: escalating limits, lock-out of unknown devices, access for known devices."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.passwords.check import MAX_FAILURES
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import DAY, HOUR, NEW, asked, confirm_addresses, disable, forget, post, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    Interrupted,
    at_once,
    events,
    execute,
    login,
    me,
    register,
    rows,
    signed_in,
)
from tests.support.small_limits import ON, limits, wrong_login

WRONG = "not the right one"
REFUSED = (401, "invalid_credentials")


def failures(app: Flask, table: str = "users") -> list[int]:
    return [int(row["failures"]) for row in rows(app, f"SELECT failures FROM {table} ORDER BY failures")]


def on_device(client: FlaskClient, mark: str, **more: str) -> tuple[int, str]:
    return said(login(client, headers={"X-Device-Token": mark}, **more))


@pytest.fixture
def mark(client: FlaskClient) -> str:
    """Return the device token of a device on which the owner has logged in."""
    return str(signed_in(client)["device_token"])


@pytest.fixture
def guarded(make_app: AppFactory) -> Flask:
    return make_app(ON)


def test_failures_of_unknown_devices_do_not_use_up_a_known_devices_limit(guarded: Flask) -> None:
    client = guarded.test_client()
    mark = signed_in(client)["device_token"]
    for number in range(25):
        status = wrong_login(guarded, "ada", address=f"192.0.2.{number}").status_code
        assert status == (401 if number < 19 else 429)  # the owner's own log-in was one of the twenty
    assert login(client).status_code == 429
    assert on_device(client, mark) == (200, "")


def test_known_device_has_its_own_limit(guarded: Flask) -> None:
    client = guarded.test_client()
    mark = signed_in(client)["device_token"]
    seen = [on_device(client, mark, password=WRONG)[0] for _ in range(22)]
    assert seen == [401] * 20 + [429] * 2
    assert login(client).status_code == 200


def test_device_token_of_another_account_is_an_unknown_device(guarded: Flask, clock: FixedClock) -> None:
    client = guarded.test_client()
    signed_in(client)
    mark = signed_in(client, "grace")["device_token"]
    for _ in range(19):
        assert on_device(client, mark, password=WRONG) == REFUSED
    assert on_device(client, mark) == (429, "rate_limited")


def test_login_limits_escalate(make_app: AppFactory, clock: FixedClock) -> None:
    """Repeated failures wait for minutes at first, and then for the rest of the day."""
    app = make_app(limiter=limits(clock, login_pair=6, login_account=3))
    waits = []
    for _ in range(4):
        for _ in range(3):
            answer = wrong_login(app)
        waits.append(int(answer.headers.get("Retry-After", 0)))
        clock.advance(901)
    assert waits[:2] == [0, 0]
    assert waits[3] > HOUR
    assert wrong_login(app, address="192.0.2.2").status_code == 401  # another network has not been so busy


def test_network_has_a_daily_login_limit(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_day=5))
    assert [wrong_login(app, f"unknown{number}").status_code for number in range(7)] == [401] * 5 + [429] * 2
    clock.advance(DAY)
    assert wrong_login(app).status_code == 401


def test_100_failures_lock_out_unknown_devices_only(app: Flask, client: FlaskClient, mark: str) -> None:
    execute(app, "UPDATE users SET failures = :few", few=MAX_FAILURES - 1)
    assert said(login(client, password=WRONG)) == REFUSED
    assert failures(app) == [MAX_FAILURES]
    assert said(login(client)) == REFUSED  # with the right password
    assert on_device(client, mark) == (200, "")
    assert failures(app) == [MAX_FAILURES + 1]  # a success on one device resets no other count
    reason = rows(app, "SELECT reason FROM audit_events WHERE reason IS NOT NULL ORDER BY id DESC")[0]
    assert reason == {"reason": "too_many_failures"}


def test_lock_out_mails_the_owner_once_a_day_and_a_reset_ends_it(
    app: Flask, client: FlaskClient, mark: str, clock: FixedClock
) -> None:
    execute(app, "UPDATE users SET failures = :few", few=MAX_FAILURES - 2)
    for expected in (0, 1, 1):
        login(client, password=WRONG)
        assert len(mailbox.mails(app, "guessing", "ada@example.com")) == expected
    assert events(app).count("strangers_shut_out") == 1
    clock.advance(DAY)
    login(client, password=WRONG)
    assert len(mailbox.mails(app, "guessing")) == 2
    link = mailbox.token(app, "guessing", "ada@example.com")
    assert post(client, "password/reset", token=link, password=NEW).status_code == 200
    assert failures(app) == [0]
    assert login(client, password=NEW).status_code == 200


def test_password_change_ends_the_lock_out(app: Flask, client: FlaskClient, mark: str) -> None:
    execute(app, "UPDATE users SET failures = 500")
    execute(app, "UPDATE known_devices SET failures = 7")
    access = login(client, headers={"X-Device-Token": mark}).get_json()["access_token"]
    body = {"current_password": "correct horse battery", "new_password": NEW}
    assert post(client, "password/change", access, **body).status_code == 200
    assert (failures(app), failures(app, "known_devices")) == ([0], [0])


def test_known_device_is_locked_out_after_100_failures(app: Flask, client: FlaskClient, mark: str) -> None:
    other = login(client).get_json()["device_token"]
    confirm_addresses(app)
    execute(app, "UPDATE known_devices SET failures = :few", few=MAX_FAILURES - 1)
    assert on_device(client, mark, password=WRONG) == REFUSED
    assert on_device(client, mark) == REFUSED
    assert on_device(client, other) == (200, "")
    assert failures(app, "known_devices") == [0, MAX_FAILURES + 1]
    assert failures(app) == [0]
    forget(app)
    assert post(client, "password/reset", token=forget(app), password=NEW).status_code == 200
    assert on_device(client, mark, password=NEW) == (200, "")


def test_success_resets_only_its_own_failure_count(app: Flask, client: FlaskClient, mark: str) -> None:
    for _ in range(3):
        login(client, password=WRONG)
        on_device(client, mark, password=WRONG)
    assert (failures(app), failures(app, "known_devices")) == ([3], [3])
    on_device(client, mark)
    assert (failures(app), failures(app, "known_devices")) == ([3], [0])
    on_device(client, mark, password=WRONG)
    login(client)
    assert (failures(app), failures(app, "known_devices")) == ([0], [0, 1])


def test_correct_password_is_refused_if_locked_out_meanwhile(make_app: AppFactory) -> None:
    """Other attempts reach the lock-out while the password is hashed."""
    hasher = Interrupted()
    app = make_app(hasher=hasher)
    client = app.test_client()
    signed_in(client)
    hasher.meanwhile = lambda: execute(app, "UPDATE users SET failures = :all", all=MAX_FAILURES)
    assert said(login(client)) == REFUSED
    execute(app, "UPDATE users SET failures = :few", few=MAX_FAILURES - 1)
    assert login(client).status_code == 200


def test_concurrent_failures_are_all_counted(app: Flask, client: FlaskClient, mark: str) -> None:
    at_once([lambda: login(app.test_client(), password=WRONG).status_code for _ in range(8)])
    assert failures(app) == [8]


def test_correct_password_of_unconfirmed_account_is_no_failure(make_app: AppFactory) -> None:
    app = make_app({"REQUIRE_VERIFIED_EMAIL": "true"})
    client = app.test_client()
    client.post(
        "/auth/register",
        json={"username": "ada", "email": "ada@example.com", "password": "correct horse battery"},
    )
    assert said(login(client)) == (403, "email_not_verified")
    assert failures(app) == [0]


def test_lock_out_of_disabled_account_sends_no_mail(app: Flask, client: FlaskClient, mark: str) -> None:
    disable(app)
    execute(app, "UPDATE users SET failures = 500")
    assert said(login(client, password=WRONG)) == REFUSED
    assert mailbox.mails(app, "guessing") == []


def test_refused_network_uses_up_no_shared_limit(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_pair=3, login_account=5, login_day=4))
    assert [wrong_login(app).status_code for _ in range(9)] == [401] * 3 + [429] * 6
    assert wrong_login(app, address="192.0.2.2").status_code == 401  # the fourth of the name's five
    assert wrong_login(app, "grace").status_code == 401  # the fourth of the network's four


def test_refusal_by_a_shared_limit_uses_up_no_own_limit(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_pair=3, login_account=2))
    for number in range(2):
        wrong_login(app, address=f"198.51.100.{number}")
    assert [wrong_login(app).status_code for _ in range(5)] == [429] * 5
    clock.advance(900)
    assert wrong_login(app).status_code == wrong_login(app).status_code == 401
    clock.advance(900)
    assert [wrong_login(app).status_code for _ in range(2)] == [401, 429]  # the third of its own three


def test_lock_out_response_is_the_same_for_right_and_wrong_password(
    app: Flask, client: FlaskClient, mark: str
) -> None:
    execute(app, "UPDATE users SET failures = :all", all=MAX_FAILURES)
    login(client, password=WRONG)  # brings the mail of the day
    seen = []
    for password in ("correct horse battery", WRONG):
        with asked(app) as statements:
            answer = login(client, password=password)
        told = rows(app, "SELECT event, reason FROM audit_events ORDER BY id DESC LIMIT 1")
        seen.append((said(answer), statements, told))
    assert seen[0] == seen[1]
    assert seen[0][2] == [{"event": "sign_in_refused", "reason": "too_many_failures"}]


def test_known_device_is_exempt_from_the_networks_daily_limit(guarded: Flask) -> None:
    client = guarded.test_client()
    mark = signed_in(client)["device_token"]
    execute(guarded, "UPDATE rate_limits SET calls = 1000 WHERE key LIKE '%login-day%'")
    assert login(client).status_code == 429
    assert on_device(client, mark) == (200, "")


def test_100_wrong_passwords_from_a_session_end_only_that_session(app: Flask, client: FlaskClient) -> None:
    other, access = signed_in(client)["access_token"], login(client).get_json()["access_token"]
    confirm_addresses(app)
    for number in range(MAX_FAILURES):
        path, given = ("reauth", "password") if number % 2 else ("password/change", "current_password")
        more = {} if number % 2 else {"new_password": NEW}
        assert post(client, path, access, **{given: WRONG}, **more).status_code == 403
    assert me(client, access).status_code == 401
    assert me(client, other).status_code == 200
    assert rows(app, "SELECT end_reason FROM sessions WHERE failures > 0") == [{"end_reason": "guessing"}]
    assert mailbox.newest(app, "session_guessing")
    assert failures(app) == [0]


def test_correct_password_resets_the_sessions_failure_count(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for _ in range(3):
        for _ in range(MAX_FAILURES - 1):
            post(client, "reauth", access, password=WRONG)
        assert post(client, "reauth", access, password=PASSWORD).status_code == 200
    assert failures(app, "sessions") == [0]


def test_wrong_passwords_with_a_link_count_as_unknown_device_failures(
    app: Flask, client: FlaskClient
) -> None:
    register(client)
    token = mailbox.token(app, "verify_email")
    for _ in range(MAX_FAILURES):
        assert said(post(client, "email/verify", token=token, password=WRONG)) == REFUSED
    assert said(post(client, "email/verify", token=token, password=PASSWORD)) == REFUSED
    assert failures(app) == [MAX_FAILURES + 1]

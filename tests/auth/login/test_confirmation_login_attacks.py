"""Attacks on the login by the confirmation of a sign-up: each is asked for the password."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.requests import HOUR, MINUTE, NEW, post, said
from tests.support.service import PASSWORD, FixedClock, execute, last_event, login
from tests.support.sign_ups import (
    COOKIE,
    PAGE,
    UNPROVEN,
    confirm,
    cookie_of,
    is_asked_for_the_password,
    link,
    sessions,
    sign_up,
)


@pytest.fixture
def here(client: FlaskClient, clock: FixedClock) -> FlaskClient:
    """Return the browser that signed up, half an hour ago."""
    assert sign_up(client).status_code == 201
    clock.advance(30 * MINUTE)
    return client


def changed(value: str, at: int) -> str:
    return value[:at] + ("A" if value[at] != "A" else "B") + value[at + 1 :]


@pytest.mark.parametrize("part", ["time", "random", "mac", "next"])
def test_cookie_with_a_changed_part_is_refused(app: Flask, here: FlaskClient, part: str) -> None:
    value = cookie_of(here) or ""
    at = {"time": 3, "random": 14, "mac": 50, "next": value.index(".") + 2}[part]
    here.set_cookie(COOKIE, changed(value, at))
    is_asked_for_the_password(app, here, link(app))


@pytest.mark.parametrize("value", ["x", ".", "A" * 64, "A" * 64 + ".ä", "A" * 64 + ".A", "A" * 4000, ""])
def test_malformed_cookie_is_refused(app: Flask, here: FlaskClient, value: str) -> None:
    here.set_cookie(COOKIE, value)
    assert said(confirm(here, link(app))) == UNPROVEN


def test_cookie_and_link_of_two_accounts_are_refused(app: Flask, here: FlaskClient) -> None:
    grace = app.test_client()
    sign_up(grace, "grace")
    theirs = cookie_of(grace) or ""
    is_asked_for_the_password(app, grace, link(app))
    here.set_cookie(COOKIE, theirs)
    is_asked_for_the_password(app, here, link(app))


def test_cookie_ends_after_an_hour(app: Flask, here: FlaskClient, clock: FixedClock) -> None:
    value = cookie_of(here) or ""
    clock.advance(HOUR / 2)
    is_asked_for_the_password(app, here, link(app))
    here.set_cookie(COOKIE, value)
    clock.advance(-2 * HOUR - 1)  # a clock that was set back
    is_asked_for_the_password(app, here, link(app))
    here.set_cookie(COOKIE, value)
    clock.advance(HOUR)
    assert confirm(here, link(app)).status_code == 200


def test_used_cookie_opens_nothing_again(app: Flask, here: FlaskClient) -> None:
    value, token = cookie_of(here) or "", link(app)
    assert confirm(here, token).status_code == 200
    here.set_cookie(COOKIE, value)
    assert said(confirm(here, token)) == (410, "token_used")
    execute(app, "UPDATE one_time_tokens SET used_at = NULL")
    is_asked_for_the_password(app, here, token, fits=True)
    assert len(sessions(app)) == 1


STATES = {
    "disabled": "UPDATE users SET disabled_at = created_at",
    "closed": "UPDATE users SET deletion_due_at = created_at",
    "blocked": "UPDATE users SET password_blocked_at = created_at",
    "with a second factor": "UPDATE users SET two_factor_at = created_at",
    "confirmed": "UPDATE users SET email_verified_at = created_at",
    "without a password": "UPDATE users SET password_hash = NULL",
}


@pytest.mark.parametrize("sql", STATES.values(), ids=STATES)
def test_cookie_is_refused_if_the_account_has_changed(app: Flask, here: FlaskClient, sql: str) -> None:
    token = link(app)
    execute(app, sql)
    is_asked_for_the_password(app, here, token, fits="password_hash" not in sql)


def test_cookie_is_refused_after_a_change_of_the_password(app: Flask, here: FlaskClient) -> None:
    token, elsewhere = link(app), app.test_client()
    access = login(elsewhere).get_json()["access_token"]
    changes = {"current_password": PASSWORD, "new_password": NEW}
    assert post(elsewhere, "password/change", access, **changes).status_code == 200
    is_asked_for_the_password(app, here, token)
    assert confirm(here, token, password=NEW).status_code == 200


def test_disabled_account_is_not_opened_by_the_password_either(app: Flask, here: FlaskClient) -> None:
    token = link(app)
    execute(app, STATES["disabled"])
    assert said(confirm(here, token, password=PASSWORD)) == (401, "invalid_credentials")
    assert sessions(app) == []


def test_second_factor_is_asked_after_link_and_password(app: Flask, here: FlaskClient) -> None:
    execute(app, STATES["with a second factor"])
    token = link(app)
    answer = confirm(here, token, password=PASSWORD)
    assert said(answer) == (401, "second_factor_required")
    assert answer.get_json()["next"] == PAGE
    assert here.get_cookie("__Host-challenge")
    assert cookie_of(here) is None
    assert sessions(app) == []
    assert post(here, "email/verify/check", token=token).get_json()["confirmed"] is True
    assert last_event(app)["event"] == "second_factor_asked"


def test_required_second_factor_holds_after_a_login_by_confirmation(make_app: AppFactory) -> None:
    app = make_app({"REQUIRE_SECOND_FACTOR": "true"})
    client = app.test_client()
    sign_up(client)
    body = confirm(client, link(app)).get_json()
    assert body["second_factor_setup_required"] is True
    refused = post(client, "email/change", body["access_token"], email="x@example.com")
    assert said(refused) == (403, "second_factor_setup_required")


def test_wrong_passwords_shut_out_a_login_by_password_and_link(app: Flask, here: FlaskClient) -> None:
    execute(app, "UPDATE users SET failures = 100")
    other, token = app.test_client(), link(app)
    assert said(confirm(other, token, password=PASSWORD)) == (401, "invalid_credentials")
    assert sessions(app) == []

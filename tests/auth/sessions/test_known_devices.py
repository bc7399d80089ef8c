"""Known devices: the mail about a login from a new one, and the disown link in it."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from auth.stores import known_devices
from models import db
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import DAY, HOUR, NEW, confirm_addresses, forget, moved, post, said
from tests.support.service import (
    PASSWORD,
    START,
    FixedClock,
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

ORIGIN = {"Origin": "http://localhost:8000"}
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"


def by_header(client: FlaskClient, mark: str, name: str = "ada", **more: Any) -> TestResponse:
    return login(client, name, headers={"X-Device-Token": mark}, **more)


def by_cookie(client: FlaskClient, name: str = "ada", **more: Any) -> TestResponse:
    return login(client, name, token_delivery="cookie", headers=ORIGIN, **more)


def told(app: Flask, name: str = "ada") -> int:
    """Return the number of new-device mails sent to this account."""
    return len(mailbox.mails(app, "new_sign_in", f"{name}@example.com"))


def known(app: Flask) -> int:
    return len(rows(app, "SELECT device_id FROM known_devices"))


def test_login_is_mailed_from_a_new_device_and_not_from_a_known_one(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    headers = {"User-Agent": FIREFOX}
    mark = login(client, headers=headers).get_json()["device_token"]
    assert told(app) == 1
    text = mailbox.text_of(mailbox.newest(app, "new_sign_in"))
    assert all(word in text for word in ("March 1, 2026, 12:00 UTC", "Firefox 145 on Linux", "127.0.0.1"))
    clock.advance(DAY)
    assert by_header(client, mark).get_json()["device_token"] == mark
    assert told(app) == 1
    assert rows(app, "SELECT device_id FROM known_devices WHERE first_seen_at < last_seen_at")
    assert login(client).get_json()["device_token"] != mark
    assert told(app) == 2


def test_device_token_is_a_cookie_with_cookie_delivery(app: Flask, client: FlaskClient) -> None:
    register(client)
    answer = by_cookie(client)
    assert "device_token" not in answer.get_json()
    (cookie,) = (text for text in answer.headers.getlist("Set-Cookie") if text.startswith("__Host-device="))
    value, *attributes = cookie.split("; ")
    kept = {attribute for attribute in attributes if not attribute.startswith("Expires=")}
    assert kept == {"Secure", "HttpOnly", "Path=/", "SameSite=Strict", "Max-Age=31536000"}
    by_cookie(client)
    assert (told(app), known(app)) == (1, 1)
    client.post("/auth/logout", headers=ORIGIN)
    by_cookie(client)  # it outlives the session
    assert told(app) == 1
    other = app.test_client()
    by_header(other, value.partition("=")[2])  # the same mark, for a script
    assert told(app) == 1
    other.set_cookie("__Host-device", value.partition("=")[2], domain="localhost")
    login(other)  # a call without cookies does not look at them
    assert told(app) == 2


def test_one_device_token_serves_several_accounts(app: Flask, client: FlaskClient) -> None:
    for name in ("ada", "grace"):
        register(client, name)
    by_cookie(client)
    first = client.get_cookie("__Host-device")
    assert by_cookie(client, "grace").status_code == 200
    second = client.get_cookie("__Host-device")
    assert first is not None
    assert second is not None
    assert first.value == second.value
    assert (told(app), told(app, "grace"), known(app)) == (1, 1, 2)  # each account has its own list
    by_cookie(client)
    by_cookie(client, "grace")
    assert (told(app), told(app, "grace"), known(app)) == (1, 1, 2)


def test_forged_device_token_is_an_unknown_device(app: Flask, make_app: AppFactory) -> None:
    client = app.test_client()
    mark = signed_in(client)["device_token"]
    elsewhere = make_app({"FLASK_SECRET_KEY": "another key of another service, long enough"})
    foreign = login(elsewhere.test_client()).get_json()["device_token"]
    link = forget(app)
    flipped = ("B" if mark[0] == "A" else "A") + mark[1:]
    before = known(app)
    for number, text in enumerate((foreign, flipped, link, "", "x", mark + "=", "A" * 64, mark[:-1]), 1):
        answer = by_header(client, text)
        assert answer.status_code == 200
        assert answer.get_json()["device_token"] not in {text, mark}
        assert known(app) == before + number
    assert by_header(client, mark).get_json()["device_token"] == mark
    assert known(app) == before + 8


def test_device_token_survives_key_rotation_and_is_signed_again(app: Flask, make_app: AppFactory) -> None:
    mark = signed_in(app.test_client())["device_token"]
    old = app.config["SECRET_KEY"]
    keys = {"FLASK_SECRET_KEY": "the next key, which is long enough too", "FLASK_PREVIOUS_SECRET_KEYS": old}
    rotated = make_app(keys)
    renewed = by_header(rotated.test_client(), mark).get_json()["device_token"]
    assert renewed != mark
    assert (told(rotated), known(app)) == (1, 1)
    retired = make_app({"FLASK_SECRET_KEY": keys["FLASK_SECRET_KEY"]})
    by_header(retired.test_client(), renewed)
    assert known(app) == 1
    by_header(retired.test_client(), mark)
    assert known(app) == 2


@pytest.mark.both_databases(slow=True)
def test_at_most_three_new_device_mails_an_hour_are_sent(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    confirm_addresses(app)
    for number in range(1, 6):
        assert login(client).status_code == 200
        assert told(app) == min(number, 3)
    clock.advance(HOUR)
    login(client)
    assert told(app) == 4


@pytest.mark.parametrize("state", ["wrong", "unknown", "unconfirmed"])
def test_refused_login_issues_no_device_token(make_app: AppFactory, state: str) -> None:
    app = make_app({"REQUIRE_VERIFIED_EMAIL": "true"} if state == "unconfirmed" else {})
    client = app.test_client()
    register(client)
    name = "unknown" if state == "unknown" else "ada"
    password = "a wrong one" if state == "wrong" else PASSWORD
    for answer in (login(client, name, password), by_cookie(client, name, password=password)):
        assert answer.status_code in {401, 403}
        assert "Set-Cookie" not in answer.headers
        assert "device_token" not in answer.get_json()
    assert known(app) == told(app) == 0


def test_device_token_is_refused_as_any_other_token(client: FlaskClient) -> None:
    mark = signed_in(client)["device_token"]
    assert me(client, mark).status_code == 401
    assert refresh(client, mark).status_code == 401
    assert by_header(client, mark, password="a wrong one").status_code == 401
    for path in ("sessions/disown", "password/reset", "email/verify", "me/restore"):
        assert said(post(client, path, token=mark, password=NEW)) == (404, "token_unknown")


@pytest.mark.both_databases(slow=True)
def test_51st_device_replaces_the_least_recently_seen(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    stranger = signed_in(client, "grace")["device_token"]
    first = signed_in(client)["device_token"]
    clock.advance(1)
    second = login(client).get_json()["device_token"]
    clock.advance(1)
    by_header(client, first)  # so that the second one is the oldest
    for _ in range(49):
        clock.advance(1)
        last = login(client).get_json()["device_token"]
    assert known(app) == 51
    clock.advance(2 * HOUR)
    before = told(app)
    by_header(client, first)
    by_header(client, last)
    by_header(client, stranger, "grace")
    assert (told(app), told(app, "grace")) == (before, 1)
    by_header(client, second)
    assert told(app) == before + 1


@pytest.mark.both_databases(slow=True)
def test_disown_revokes_all_access_until_a_reset(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    pair, stranger = signed_in(client, remember=True), signed_in(client, "grace", remember=True)
    link, reset = mailbox.token(app, "new_sign_in", "ada@example.com"), forget(app)
    with app.app_context():
        script = generate_jwt_token(pair["user"]["id"])
    clock.advance(1)
    before = len(events(app))
    assert post(client, "sessions/disown", token=link).status_code == 200
    assert events(app)[before:] == ["sign_in_disowned"]
    assert mailbox.sent(app)[-1] == ("password_blocked", "ada@example.com")
    for access in (pair["access_token"], script):
        assert me(client, access).status_code == 401
    assert refresh(client, pair["refresh_token"]).status_code == 401
    assert me(client, stranger["access_token"]).status_code == 200
    assert known(app) == 1
    assert said(login(client)) == (401, "invalid_credentials")
    assert (
        rows(app, "SELECT reason FROM audit_events ORDER BY id DESC LIMIT 1")[0]["reason"]
        == "password_blocked"
    )
    assert said(post(client, "password/reset", token=reset, password=NEW)) == (410, "token_used")
    assert said(post(client, "sessions/disown", token=link)) == (410, "token_used")
    token = mailbox.token(app, "password_blocked")
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    mails = told(app)
    assert by_header(client, pair["device_token"], password=NEW).status_code == 200
    assert told(app) == mails + 1  # the device is unknown again


def test_disown_link_works_for_7_days_and_voids_the_others(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    for _ in range(2):
        login(client)
    register(client, "grace")
    login(client, "grace")
    first, second = mailbox.tokens(app, "new_sign_in", "ada@example.com")
    late = mailbox.token(app, "new_sign_in", "grace@example.com")
    clock.advance(7 * DAY - 1)
    assert post(client, "sessions/disown", token=second).status_code == 200
    assert said(post(client, "sessions/disown", token=first)) == (410, "token_used")
    clock.advance(1)
    assert said(post(client, "sessions/disown", token=late)) == (410, "token_expired")
    assert login(client, "grace").status_code == 200


def test_disown_link_works_after_a_password_change(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    link = mailbox.token(app, "new_sign_in")
    body = {"current_password": PASSWORD, "new_password": NEW}
    assert post(client, "password/change", access, **body).status_code == 200
    assert post(client, "sessions/disown", token=link).status_code == 200
    assert me(client, access).status_code == 401
    for password in (PASSWORD, NEW):
        assert said(login(client, password=password)) == (401, "invalid_credentials")


def test_disown_link_is_void_after_an_address_change(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    link = mailbox.token(app, "new_sign_in")
    moved(app, access)
    assert said(post(client, "sessions/disown", token=link)) == (410, "token_used")
    assert me(client, access).status_code == 200


@pytest.mark.both_databases(slow=True)
def test_prune_of_known_devices_respects_batch_size_and_account(app: Flask) -> None:
    """One device id may be known to several accounts; each forgets it separately."""
    long_ago, now = START - timedelta(days=366), START
    shared = uuid4()
    client = app.test_client()
    for name in ("ada", "bob", "eve"):
        register(client, name)
    with app.app_context():
        session = db.session()
        for user_id, seen in ((1, long_ago), (2, long_ago), (3, now)):
            known_devices.add(session, user_id, shared, seen)
        before = START - timedelta(days=365)
        assert [known_devices.prune(session, before, 1) for _ in range(3)] == [1, 1, 0]
        assert [device.device_id for device in known_devices.of_user(session, 3)] == [shared]
        session.commit()

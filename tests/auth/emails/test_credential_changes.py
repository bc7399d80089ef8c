"""Changes of password, address and username by the account's owner, and the step-up they require."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import (
    HOUR,
    MINUTE,
    NEW,
    address,
    confirm_addresses,
    confirmed,
    forget,
    moved,
    post,
    said,
)
from tests.support.service import (
    PASSWORD,
    CountingHasher,
    FixedClock,
    bearer,
    events,
    login,
    me,
    refresh,
    register,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token
from utils.passwords.hashing import PasswordHasher

CHEAP = "scrypt:256:8:1"
OLD, ADDRESS = "ada@example.com", "new@example.com"


def change(client: FlaskClient, access: str, current: str = PASSWORD, **more: Any) -> tuple[int, str]:
    body = {"current_password": current, "new_password": NEW} | more
    return said(post(client, "password/change", access, **body))


@pytest.mark.parametrize("others_end", [None, True, False])
def test_password_change_ends_other_sessions_unless_declined(
    app: Flask, client: FlaskClient, clock: FixedClock, others_end: bool | None
) -> None:
    here, there, stranger = signed_in(client), signed_in(client), signed_in(client, "grace")
    confirm_addresses(app)
    link = forget(app)
    with app.app_context():
        script = generate_jwt_token(here["user"]["id"])
    clock.advance(1)
    more: dict[str, Any] = {} if others_end is None else {"end_other_sessions": others_end}
    assert change(client, here["access_token"], **more) == (200, "")
    assert me(client, here["access_token"]).status_code == 200
    assert refresh(client, here["refresh_token"]).status_code == 200
    ended = 200 if others_end is False else 401
    assert me(client, there["access_token"]).status_code == ended
    assert refresh(client, there["refresh_token"]).status_code == ended
    assert me(client, stranger["access_token"]).status_code == 200
    assert me(client, script).status_code == 401
    assert said(post(client, "password/reset", token=link, password=NEW)) == (410, "token_used")
    assert mailbox.sent(app)[-1] == ("password_changed", OLD)
    assert "password_changed" in events(app)
    assert login(client).status_code == 401
    assert login(client, password=NEW).status_code == 200


def test_password_change_checks_current_password_once_and_logs_failures(make_app: AppFactory) -> None:
    hasher = CountingHasher(PasswordHasher(CHEAP))
    app = make_app(hasher=hasher)
    client = app.test_client()
    access = signed_in(client)["access_token"]
    before = len(events(app))
    hasher.calls = 0
    answer = post(client, "password/change", access, current_password="a wrong one", new_password=NEW)
    assert said(answer) == (403, "wrong_current_password")
    assert set(answer.get_json()["fields"]) == {"current_password"}
    assert hasher.calls == 1
    assert events(app)[before:] == ["proof_refused"]
    assert login(client).status_code == 200
    hasher.calls = 0
    assert change(client, access) == (200, "")
    assert hasher.calls == 2
    assert events(app)[before + 2 :] == ["password_changed"]


@pytest.mark.parametrize("body", [{"new_password": NEW}, {"current_password": PASSWORD}])
def test_password_change_requires_both_passwords(client: FlaskClient, body: dict[str, str]) -> None:
    access = signed_in(client)["access_token"]
    assert said(post(client, "password/change", access, **body)) == (400, "missing_fields")
    assert change(client, access, new_password="short") == (400, "password_too_short")
    assert login(client).status_code == 200


def test_unchanged_password_is_refused(app: Flask, client: FlaskClient) -> None:
    here, there = signed_in(client), signed_in(client)
    # A caller who does not know the current password learns nothing.
    assert change(client, here["access_token"], NEW, new_password=NEW) == (403, "wrong_current_password")
    assert change(client, here["access_token"], new_password=PASSWORD) == (400, "password_unchanged")
    assert me(client, there["access_token"]).status_code == 200
    assert "password_changed" not in events(app)
    assert mailbox.mails(app, "password_changed") == []


SENSITIVE = {
    "change the address": ("POST", "/auth/email/change", {"email": ADDRESS}),
    "take the data along": ("GET", "/auth/me/export", None),
    "leave": ("DELETE", "/auth/me", None),
    "change the name": ("PATCH", "/auth/me", {"username": "lovelace"}),
}
WITH_A_SESSION = SENSITIVE | {
    "change the password": (
        "POST",
        "/auth/password/change",
        {"current_password": PASSWORD, "new_password": NEW},
    ),
    "prove oneself": ("POST", "/auth/reauth", {"password": PASSWORD}),
}


@pytest.mark.parametrize("name", SENSITIVE)
def test_sensitive_changes_require_login_within_10_minutes(
    client: FlaskClient, clock: FixedClock, name: str
) -> None:
    def call(access: str) -> tuple[int, str]:
        method, path, body = SENSITIVE[name]
        return said(client.open(path, method=method, json=body, headers=bearer(access)))

    pair = signed_in(client)
    other = signed_in(client, "grace")
    clock.advance(10 * MINUTE)
    pair = pair | refresh(client, pair["refresh_token"]).get_json()
    access = pair["access_token"]
    assert call(access) == (403, "reauth_required")  # a refresh is no sign-in
    assert said(post(client, "reauth", access, password="a wrong one")) == (403, "wrong_current_password")
    post(client, "reauth", other["access_token"], password=PASSWORD)
    assert call(access) == (403, "reauth_required")
    renewed = post(client, "reauth", access, password=PASSWORD).get_json()
    assert set(renewed) == {"access_token", "token_type", "expires_in"}
    clock.advance(10 * MINUTE)
    assert call(renewed["access_token"]) == (403, "reauth_required")
    clock.advance(-1)
    assert call(renewed["access_token"])[0] in {200, 202}


def test_step_up_applies_to_the_calling_session_only(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client, "eve", password="the password of eve")
    eve = login(client, "eve", "the password of eve").get_json()["access_token"]
    first, second = signed_in(client)["access_token"], signed_in(client)["access_token"]
    clock.advance(11 * MINUTE)
    for password in (PASSWORD, "the password of eve"):
        body = {"password": password, "user_id": 1, "username": "ada", "email": OLD}
        post(client, "reauth", eve, **body)
    assert said(post(client, "email/change", first, email=ADDRESS)) == (403, "reauth_required")
    assert said(post(client, "reauth", first, password="the password of eve")) == (
        403,
        "wrong_current_password",
    )
    again = post(client, "reauth", first, password=PASSWORD)
    assert said(post(client, "email/change", second, email=ADDRESS)) == (403, "reauth_required")
    assert post(client, "email/change", again.get_json()["access_token"], email=ADDRESS).status_code == 202


@pytest.mark.parametrize("name", WITH_A_SESSION)
def test_token_without_session_cannot_change_credentials(app: Flask, client: FlaskClient, name: str) -> None:
    register(client)
    with app.app_context():
        headers = bearer(generate_jwt_token(1))
    method, path, body = WITH_A_SESSION[name]
    before = events(app)
    answer = client.open(path, method=method, json=body, headers=headers)
    assert said(answer) == (403, "session_required")
    assert said(client.open(path, method=method, json=body)) == (401, "token_missing")
    assert events(app) == before


def test_address_changes_only_after_the_new_one_is_confirmed(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    confirmed(app)
    access = login(client).get_json()["access_token"]
    known = len(mailbox.sent(app))
    assert post(client, "email/change", access, email=ADDRESS).status_code == 202
    assert mailbox.sent(app)[known:] == [("change_email", ADDRESS)]
    token = mailbox.token(app, "change_email")
    assert address(app) == OLD
    assert said(login(client, ADDRESS)) == (401, "invalid_credentials")
    assert said(post(client, "email/verify", token=token)) == (400, "missing_fields")
    clock.advance(60 * MINUTE - 1)
    assert address(app) == OLD
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200
    assert address(app) == ADDRESS
    assert mailbox.sent(app)[known + 1 :] == [("email_changed", OLD)]
    assert login(client, ADDRESS).get_json()["user"]["email_verified"] is True
    assert said(login(client, OLD)) == (401, "invalid_credentials")
    assert said(post(client, "email/verify", token=token, password=PASSWORD)) == (410, "token_used")
    assert events(app)[-4:] == ["email_changed", "signed_in", "sign_in_refused", "link_refused"]


def test_address_change_link_expires_after_60_minutes(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    access = signed_in(client)["access_token"]
    post(client, "email/change", access, email=ADDRESS)
    token = mailbox.token(app, "change_email")
    clock.advance(60 * MINUTE)
    assert said(post(client, "email/verify", access, token=token)) == (410, "token_expired")
    assert address(app) == OLD


def test_old_address_is_reserved_for_72_hours(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    confirmed(app)
    assert moved(app, login(client).get_json()["access_token"]).status_code == 200
    grace = signed_in(client, "grace")

    def others_get_it() -> bool:
        fresh = post(client, "reauth", login(client, "grace").get_json()["access_token"], password=PASSWORD)
        assert post(client, "email/change", fresh.get_json()["access_token"], email=OLD).status_code == 202
        return bool(mailbox.mails(app, "change_email", OLD))

    assert said(register(client, "eve", email="Ada@Example.com")) == (409, "email_taken")
    assert not others_get_it()
    clock.advance(72 * HOUR - 1)
    assert said(register(client, "eve", email=OLD)) == (409, "email_taken")
    assert not others_get_it()
    clock.advance(1)
    assert others_get_it()
    assert register(client, "eve", email=OLD).status_code == 201
    token = mailbox.token(app, "change_email", OLD)
    access = login(client, "grace").get_json()["access_token"]
    assert said(post(client, "email/verify", access, token=token)) == (409, "email_taken")
    assert address(app, "grace") == grace["user"]["email"]


def test_older_change_link_cannot_take_a_reserved_address(app: Flask, client: FlaskClient) -> None:
    grace = signed_in(client, "grace")["access_token"]
    access = signed_in(client)["access_token"]
    assert moved(app, access).status_code == 200
    assert post(client, "email/change", grace, email="third@example.com").status_code == 202
    token = mailbox.token(app, "change_email", "third@example.com")
    assert moved(app, access, "third@example.com").status_code == 200
    assert moved(app, access, "fourth@example.com").status_code == 200  # third@ is reserved now
    assert said(post(client, "email/verify", grace, token=token)) == (409, "email_taken")


def test_change_to_taken_address_answers_alike_and_mails_its_owner(app: Flask, client: FlaskClient) -> None:
    register(client, "grace")
    access = signed_in(client)["access_token"]
    known = len(mailbox.sent(app))
    free = post(client, "email/change", access, email=ADDRESS)
    taken = post(client, "email/change", access, email="GRACE@example.com")
    assert (taken.status_code, taken.get_json()) == (free.status_code, free.get_json())
    assert sorted(mailbox.sent(app)[known:]) == [
        ("address_taken", "grace@example.com"),
        ("change_email", ADDRESS),
    ]
    assert "#token=" not in mailbox.text_of(mailbox.newest(app, "address_taken"))
    for _ in range(5):
        post(client, "email/change", access, email="grace@example.com")
    assert len(mailbox.mails(app, "address_taken")) == 2  # three with the one to the free address


def test_username_change_is_validated_mailed_and_logged(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    register(client, "grace")
    confirm_addresses(app)
    known, before = len(mailbox.sent(app)), len(events(app))

    def rename(body: Any) -> Any:
        return client.patch("/auth/me", json=body, headers=bearer(access))

    for body, code in (
        ({"username": "grace"}, "username_taken"),
        ({"username": "GRACE"}, "username_taken"),
        ({"username": "a@b"}, "validation_failed"),
        ({"username": "root"}, "validation_failed"),
        ({"username": 5}, "validation_failed"),
        ({}, "no_input"),
    ):
        assert rename(body).get_json()["code"] == code
    for same in ({"username": "ada"}, {"username": ""}, {"username": None}, {"email": ADDRESS, "id": 7}):
        assert rename(same).get_json()["user"]["username"] == "ada"
    assert mailbox.sent(app)[known:] == []
    assert events(app)[before:] == []
    assert rename({"username": "Ada"}).get_json()["user"]["username"] == "Ada"  # the case of one's own name
    assert rename({"username": "lovelace"}).get_json()["user"]["username"] == "lovelace"
    assert mailbox.sent(app)[known:] == [("username_changed", OLD)] * 2
    assert events(app)[before:] == ["username_changed"] * 2
    assert me(client, access).get_json()["user"]["username"] == "lovelace"
    assert login(client, "ada").status_code == 401
    assert login(client, "Lovelace").status_code == 200
    assert said(register(client, "ada", email="other@example.com")) == (409, "username_taken")

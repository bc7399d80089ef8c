"""HIDE_ACCOUNT_EXISTENCE: registrations and later logins do not reveal whether an account exists."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from config import ConfigurationError
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import DAY, NEW, asked, confirmed, disable, moved, post, prune, said
from tests.support.service import (
    PASSWORD,
    CountingHasher,
    FixedClock,
    bearer,
    events,
    execute,
    login,
    register,
    rows,
    signed_in,
)
from utils.passwords.hashing import PasswordHasher

HIDE = {"HIDE_ACCOUNT_EXISTENCE": "true"}
TAKEN, FREE = "ada@example.com", "free@example.com"
CHEAP = "scrypt:256:8:1"
WRONG = "a wrong password"


@pytest.fixture
def hasher() -> CountingHasher:
    return CountingHasher(PasswordHasher(CHEAP))


@pytest.fixture
def hidden(make_app: AppFactory, hasher: CountingHasher) -> Flask:
    """Return a service that hides account existence, with a confirmed account for ada."""
    app = make_app(HIDE, hasher=hasher)
    confirmed(app)
    hasher.calls = 0
    return app


def told(answer: TestResponse) -> tuple[Any, ...]:
    """Return every part of a response by which a caller could distinguish two responses."""
    body = {key: value for key, value in answer.get_json().items() if key != "request_id"}
    return answer.status_code, body, {k: v for k, v in answer.headers if k != "X-Request-Id"}


def test_registration_response_is_the_same_for_new_and_taken_address(
    hidden: Flask, hasher: CountingHasher
) -> None:
    client = hidden.test_client()
    new = register(client, "eve", email=FREE)
    assert (new.status_code, hasher.calls) == (202, 1)
    taken = register(client, "bob", email=TAKEN.upper())
    assert (told(taken), hasher.calls) == (told(new), 2)
    named = register(client, None, username_from_email=True, email="ada2@example.com")  # type: ignore[arg-type]
    assert (told(named), hasher.calls) == (told(new), 3)
    named = register(client, None, username_from_email=True, email=TAKEN)  # type: ignore[arg-type]
    assert (told(named), hasher.calls) == (told(new), 4)
    assert "Set-Cookie" not in new.headers
    assert set(new.get_json()) == {"message"}


def test_new_and_taken_address_get_different_mails(hidden: Flask) -> None:
    client = hidden.test_client()
    before = len(mailbox.sent(hidden))
    register(client, "eve", email=FREE)
    register(client, "bob", email=TAKEN)
    assert mailbox.sent(hidden)[before:] == [("verify_email", FREE), ("address_taken", TAKEN)]
    text = mailbox.text_of(mailbox.newest(hidden, "address_taken"))
    assert text.split("\n\n")[1] == "Hello ada,"  # the owner's name, and not what a stranger typed
    assert "bob" not in text
    assert "#token=" not in text
    assert events(hidden)[-2:] == ["account_registered", "registration_repeated"]
    for number in range(5):
        register(client, f"bob{number}", email=TAKEN)
    assert len(mailbox.mails(hidden, "address_taken")) == 3
    token = mailbox.token(hidden, "verify_email", FREE)
    assert post(client, "email/verify", token=token, password=PASSWORD).status_code == 200
    assert login(client, "eve").status_code == 200


def test_taken_username_is_a_409_for_new_and_taken_address(hidden: Flask, hasher: CountingHasher) -> None:
    client = hidden.test_client()
    before = mailbox.sent(hidden)
    answers = {str(told(register(client, "ADA", email=email))) for email in (FREE, TAKEN) for _ in range(2)}
    assert len(answers) == 1
    assert said(register(client, "ada", email=FREE)) == (409, "username_taken")
    assert hasher.calls == 0
    assert mailbox.sent(hidden) == before


@pytest.mark.parametrize("email", [FREE, TAKEN])
def test_username_is_reserved_for_new_and_taken_address(hidden: Flask, email: str) -> None:
    client = hidden.test_client()
    assert register(client, "eve", email=email).status_code == 202
    for again in ("other@example.com", email, TAKEN, FREE):
        assert said(register(client, "eve", email=again)) == (409, "username_taken")
    access = login(client).get_json()["access_token"]
    renamed = client.patch("/auth/me", json={"username": "Eve"}, headers=bearer(access))
    assert said(renamed) == (409, "username_taken")


def test_login_after_registration_is_the_same_for_new_and_taken_address(
    hidden: Flask, hasher: CountingHasher
) -> None:
    client = hidden.test_client()
    register(client, "new", email=FREE)
    register(client, "taken", email=TAKEN)
    answers = []
    for name in ("new", "taken", FREE, TAKEN, "unknown", "unknown@example.com"):
        for password in (NEW, WRONG, *([] if name == TAKEN else [PASSWORD])):
            hasher.calls = 0
            with asked(hidden) as statements:
                answers.append(told(login(client, name, password)))
            assert (hasher.calls, len(statements)) == (1, 4), (name, password)
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0] == 401
    for path in ("password/forgot", "email/resend"):
        assert len({str(told(post(client, path, email=email))) for email in (FREE, TAKEN)}) == 1


@pytest.mark.parametrize("environ", [HIDE, {}])
def test_reserved_username_cannot_log_in_and_expires_after_7_days(
    hidden: Flask, make_app: AppFactory, clock: FixedClock, environ: dict[str, str]
) -> None:
    client = hidden.test_client()
    register(client, "holder", email=TAKEN)
    later = make_app(environ).test_client()  # also once nothing is hidden any more
    for name in ("holder", "", "@"):
        assert login(later, name).status_code in {400, 401}
    assert rows(hidden, "SELECT id FROM sessions WHERE user_id = 2") == []
    clock.advance(7 * DAY + 1)
    assert prune(hidden)["users"] == 1
    assert rows(hidden, "SELECT username FROM users") == [{"username": "ada"}]
    assert register(client, "holder", email=FREE).status_code == 202


def test_registration_response_is_the_same_for_reserved_address(
    hidden: Flask, hasher: CountingHasher
) -> None:
    client = hidden.test_client()
    new = register(client, "eve", email=FREE)
    assert moved(hidden, login(client).get_json()["access_token"]).status_code == 200
    before = mailbox.sent(hidden)
    hasher.calls = 0
    assert told(register(client, "bob", email=TAKEN)) == told(new)
    assert hasher.calls == 1
    assert mailbox.sent(hidden) == before
    assert said(login(client, "bob")) == (401, "invalid_credentials")


def test_validation_errors_do_not_depend_on_the_address(hidden: Flask) -> None:
    client = hidden.test_client()
    for more in ({"password": "short"}, {"username": "a@b"}, {"username": "root"}):
        answers = {str(told(register(client, "eve", **{"email": email} | more))) for email in (FREE, TAKEN)}
        assert len(answers) == 1


def test_hiding_accounts_requires_verified_email(make_app: AppFactory) -> None:
    with pytest.raises(ConfigurationError, match="HIDE_ACCOUNT_EXISTENCE requires REQUIRE_VERIFIED_EMAIL"):
        make_app(HIDE | {"REQUIRE_VERIFIED_EMAIL": "false"})


def leaving(app: Flask) -> None:
    execute(app, "UPDATE users SET deletion_due_at = '2026-03-15 12:00:00.000000+00:00'")


def unconfirmed(app: Flask) -> None:
    execute(app, "UPDATE users SET email_verified_at = NULL")


def changed(column: str, value: str) -> Callable[[Flask], None]:
    return lambda app: execute(app, f"UPDATE users SET {column} = {value}")


STATES: dict[str, Callable[[Flask], None]] = {
    "fine": changed("username", "username"),
    "unknown": lambda app: execute(app, "DELETE FROM users"),
    "no password": changed("password_hash", "NULL"),
    "disabled": disable,
    "blocked": changed("password_blocked_at", "created_at"),
    "leaving": leaving,
    "unconfirmed": unconfirmed,
}


@pytest.mark.parametrize("password", [PASSWORD, WRONG])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("environ", [{}, {"REQUIRE_VERIFIED_EMAIL": "true"}, HIDE])
def test_login_computes_one_hash_in_every_account_state(
    make_app: AppFactory, hasher: CountingHasher, environ: dict[str, str], state: str, password: str
) -> None:
    app = make_app(environ, hasher=hasher)
    client = app.test_client()
    confirmed(app)
    STATES[state](app)
    for name in ("ada", TAKEN):
        hasher.calls = 0
        answer = login(client, name, password)
        assert hasher.calls == 1
        good = password == PASSWORD and (state == "fine" or (state == "unconfirmed" and not environ))
        told_so = password == PASSWORD and state == "unconfirmed" and "REQUIRE_VERIFIED_EMAIL" in environ
        wanted = (
            (200, "") if good else (403, "email_not_verified") if told_so else (401, "invalid_credentials")
        )
        assert said(answer) == wanted


@pytest.mark.parametrize("password", [PASSWORD, WRONG])
@pytest.mark.parametrize("state", ["fine", "no password", "blocked", "leaving", "unconfirmed"])
def test_step_up_computes_one_hash_in_every_account_state(
    make_app: AppFactory, hasher: CountingHasher, state: str, password: str
) -> None:
    app = make_app(hasher=hasher)
    client = app.test_client()
    access = signed_in(client)["access_token"]
    token = mailbox.token(app, "verify_email")
    STATES[state](app)
    good = password == PASSWORD and state in {"fine", "unconfirmed"}
    hasher.calls = 0
    assert post(client, "reauth", access, password=password).status_code == (200 if good else 403)
    assert hasher.calls == 1
    assert post(client, "email/verify", token=token, password=password).status_code == (200 if good else 401)
    assert hasher.calls == 2


def test_taken_username_and_address_are_a_409_without_hiding(client: FlaskClient) -> None:
    register(client)
    assert said(register(client, email=FREE)) == (409, "username_taken")
    assert said(register(client, "eve", email=TAKEN)) == (409, "email_taken")


def test_reserved_username_expires_after_hiding_is_switched_off(
    make_app: AppFactory, hidden: Flask, clock: FixedClock
) -> None:
    register(hidden.test_client(), "eve", email=TAKEN)
    confirmed(relaxed := make_app(), "bob")
    register(relaxed.test_client(), "carol")
    clock.advance(7 * DAY)
    assert prune(relaxed)["users"] == 0
    clock.advance(1)
    assert prune(relaxed)["users"] == 1
    left = rows(relaxed, "SELECT username FROM users ORDER BY id")
    assert [row["username"] for row in left] == ["ada", "bob", "carol"]

"""Password reset: uniform responses for every address, and links that work once, for one account."""

import re
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.admin import operators
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import (
    HOUR,
    MINUTE,
    NEW,
    OPERATOR,
    asked,
    confirm_addresses,
    disable,
    enable,
    everything,
    forget,
    moved,
    post,
    said,
)
from tests.support.service import (
    PASSWORD,
    FixedClock,
    bearer,
    events,
    execute,
    login,
    me,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.auth_helpers import generate_jwt_token
from utils.mail.mailers import MailError, MemoryMailer
from utils.services import services


class UnreachableMailer(MemoryMailer):
    """A mailer whose server is unreachable."""

    def send(self, message: EmailMessage) -> None:  # noqa: ARG002
        raise MailError("ConnectionRefusedError")


def counts(app: Flask) -> dict[str, int]:
    return {table: len(found) for table, found in everything(app).items()}


def prepared(app: Flask, state: str) -> str:
    """Create an account in this state; return its address."""
    client = app.test_client()
    if state != "unknown":
        register(client)
    if state == "confirmed":
        execute(app, "UPDATE users SET email_verified_at = created_at WHERE username = 'ada'")
    if state == "disabled":
        disable(app)
    if state == "asked before":
        for _ in range(4):
            post(client, "password/forgot", email="ada@example.com")
            post(client, "email/resend", email="ada@example.com")
    mailbox.deliver(app)
    return "ada@example.com"


STATES = ["unknown", "unconfirmed", "confirmed", "disabled", "asked before"]


@pytest.mark.parametrize("path", ["password/forgot", "email/resend"])
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("mailer", [MemoryMailer, UnreachableMailer])
def test_forgot_and_resend_answer_and_write_the_same_for_every_address(
    make_app: AppFactory, path: str, state: str, mailer: type[MemoryMailer]
) -> None:
    app = make_app(mailer=mailer())
    client = app.test_client()
    register(client, "usual")
    address = prepared(app, state)

    def ask(email: str) -> tuple[Any, ...]:
        before = counts(app)
        with asked(app) as statements:
            answer = post(client, path, email=email)
        mailbox.deliver(app)
        after = counts(app)
        headers = {name: value for name, value in answer.headers if name != "X-Request-Id"}
        counted = {"rate_limits", "audit_events"}  # one statement, which may count in an earlier row
        added = {table: after[table] - before[table] for table in after if table not in counted}
        statements = [
            re.sub(r"INSERT INTO audit_events .*", "INSERT INTO audit_events", s) for s in statements
        ]
        return answer.status_code, answer.get_json(), headers, added, statements

    usual, this = ask("usual@example.com"), ask(address)
    assert this == usual
    assert this[0] == 202
    assert this[3] | {"one_time_tokens": 1, "outbox": 1} == this[3]
    for table in ("users", "sessions", "known_devices"):
        assert this[3][table] == 0


@pytest.mark.parametrize("state", STATES)
def test_reset_mail_goes_only_to_active_accounts(app: Flask, client: FlaskClient, state: str) -> None:
    address = prepared(app, state)
    before = len(mailbox.mails(app))
    post(client, "password/forgot", email=address)
    goes = [("reset_password", address)] if state in {"unconfirmed", "confirmed"} else []
    assert mailbox.sent(app)[before:] == goes


@pytest.mark.parametrize("environ", [{}, {"RATE_LIMIT_ENABLED": "true"}, {"RATE_LIMIT_ENABLED": "false"}])
def test_at_most_three_reset_mails_an_hour_are_sent(
    make_app: AppFactory, clock: FixedClock, environ: dict[str, str]
) -> None:
    app = make_app(environ)
    client = app.test_client()
    register(client)
    register(client, "grace")
    confirm_addresses(app)
    for _ in range(5):
        assert post(client, "password/forgot", email="ada@example.com").status_code == 202
        mailbox.deliver(app)  # a mail whose link a later one voids would not go
    assert len(mailbox.mails(app, "reset_password")) == 3
    forget(app, "grace@example.com")  # each account has its own
    clock.advance(HOUR - 1)
    post(client, "password/forgot", email="ada@example.com")
    assert len(mailbox.mails(app, "reset_password", "ada@example.com")) == 3
    clock.advance(1)
    post(client, "password/forgot", email="ada@example.com")
    assert len(mailbox.mails(app, "reset_password", "ada@example.com")) == 4


def test_repeated_forgot_requests_do_not_void_the_first_link(app: Flask, client: FlaskClient) -> None:
    register(client)
    confirm_addresses(app)
    first = forget(app)
    for _ in range(6):
        post(client, "password/forgot", email="ada@example.com")
    assert len(mailbox.mails(app, "reset_password")) == 3
    assert post(client, "password/reset", token=first, password=NEW).status_code == 200
    for token in mailbox.tokens(app, "reset_password"):
        assert said(post(client, "password/reset", token=token, password=NEW)) == (410, "token_used")


def test_fourth_reset_link_voids_the_oldest(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    register(client)
    confirm_addresses(app)
    for _ in range(3):
        forget(app)
        clock.advance(1)
    with app.app_context():
        operators.send_reset(services(), "ada", OPERATOR)
    found = [
        said(post(client, "password/reset/check", token=t)) for t in mailbox.tokens(app, "reset_password")
    ]
    assert found == [(410, "token_used"), (200, ""), (200, ""), (200, "")]


def test_reset_check_reports_link_status_without_consuming_it(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    register(client)
    token = forget(app)
    before = everything(app)
    for _ in range(3):
        answer = post(client, "password/reset/check", token=token)
        assert (answer.status_code, answer.get_json()) == (
            200,
            {"status": "valid", "email": "ada@example.com"},
        )
    assert said(post(client, "password/reset/check", token="x" * 64)) == (404, "token_unknown")
    clock.advance(60 * MINUTE)
    assert said(post(client, "password/reset/check", token=token)) == (410, "token_expired")
    assert everything(app) == before
    assert said(post(client, "password/reset", token=token, password=NEW)) == (410, "token_expired")
    clock.advance(-1)
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200
    assert said(post(client, "password/reset/check", token=token)) == (410, "token_used")


@pytest.mark.both_databases
def test_reset_ends_all_sessions_issues_none_and_mails_the_owner(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    first, second = signed_in(client), signed_in(client)
    stranger = signed_in(client, "grace")
    confirm_addresses(app)
    with app.app_context():
        script = generate_jwt_token(first["user"]["id"])
    clock.advance(1)
    answer = post(client, "password/reset", token=forget(app), password=NEW)
    assert answer.get_json() == {"message": "The password has been changed. Log in with the new one."}
    assert "Set-Cookie" not in answer.headers
    assert events(app)[-1] == "password_reset"
    for access in (first["access_token"], second["access_token"], script):
        assert me(client, access).status_code == 401
    assert refresh(client, first["refresh_token"]).status_code == 401
    assert me(client, stranger["access_token"]).status_code == 200
    assert {row["end_reason"] for row in rows(app, "SELECT end_reason FROM sessions")} == {
        None,
        "password_reset",
    }
    assert mailbox.sent(app)[-1] == ("password_changed", "ada@example.com")
    assert said(login(client)) == (401, "invalid_credentials")
    assert login(client, password=NEW).status_code == 200


@pytest.mark.parametrize("refused", ["short", "", None, "x" * 257, "ends in a nul\0", 5])
def test_refused_password_does_not_consume_the_reset_link(
    app: Flask, client: FlaskClient, refused: object
) -> None:
    register(client)
    token = forget(app)
    before = everything(app)
    answer = client.post("/auth/password/reset", json={"token": token, "password": refused})
    assert (answer.status_code, set(answer.get_json()["fields"])) == (400, {"password"})
    assert everything(app) == before
    assert post(client, "password/reset", token=token, password=NEW).status_code == 200


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        ("mike@example.com", "m\N{LATIN SMALL LETTER DOTLESS I}ke@example.com"),
        ("mike@example.com", "mi\N{KELVIN SIGN}e@example.com"),
        ("mike@example.com", "m\N{FULLWIDTH LATIN SMALL LETTER I}ke@example.com"),
        ("mike@example.com", "mike@ex\N{CYRILLIC SMALL LETTER A}mple.com"),
        ("mike@example.com", "mike\N{FULLWIDTH COMMERCIAL AT}example.com"),
        ("mike@example.com", "mike@\N{CIRCLED LATIN SMALL LETTER E}xample.com"),
        ("mike@example.com", "mike\N{ZERO WIDTH SPACE}@example.com"),
        ("mike@example.com", "mike\N{SOFT HYPHEN}@example.com"),
        ("mike@example.com", "mike@example.com\N{NO-BREAK SPACE}"),
        ("mike@example.com", "MIKE@EXAMPLE.COM"),
        ("mike@example.com", "mike@example.com,eve@example.com"),
        ("mike@example.com", "mike@example.com\r\nBcc: eve@example.com"),
        ("sam@example.com", "\N{LATIN SMALL LETTER LONG S}am@example.com"),
        ("ile@example.com", "\N{LATIN CAPITAL LETTER I WITH DOT ABOVE}le@example.com"),
    ],
)
def test_reset_mail_goes_to_the_stored_address_not_the_typed_one(
    app: Flask, client: FlaskClient, stored: str, typed: str
) -> None:
    assert register(client, "mike", email=stored).status_code == 201
    for path in ("password/forgot", "email/resend"):
        answer = client.post(f"/auth/{path}", json={"email": typed})
        assert answer.status_code in {202, 400}
    assert {recipient for _, recipient in mailbox.sent(app)} == {stored}


def test_reset_link_does_not_affect_another_account(app: Flask, client: FlaskClient) -> None:
    ada, grace = signed_in(client), signed_in(client, "grace")
    token = forget(app)
    other = {"user_id": grace["user"]["id"], "id": grace["user"]["id"], "email": "grace@example.com"}
    sent = {"token": token, "password": NEW, "username": "grace", **other}
    assert client.post("/auth/password/reset", json=sent).status_code == 200
    assert me(client, grace["access_token"]).status_code == 200
    assert login(client, "grace").status_code == 200
    assert me(client, ada["access_token"]).status_code == 401
    assert login(client, password=NEW).status_code == 200
    before = mailbox.sent(app)
    post(client, "password/forgot", email="unknown@example.com", user_id=grace["user"]["id"])
    assert mailbox.sent(app) == before


def test_reset_link_is_void_after_an_address_change(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    token = forget(app)
    assert moved(app, access).status_code == 200
    assert said(post(client, "password/reset", token=token, password=NEW)) == (410, "token_used")
    assert login(client).status_code == 200


def test_reset_link_is_void_after_the_account_was_disabled(app: Flask, client: FlaskClient) -> None:
    register(client)
    token = forget(app)
    disable(app)
    for path in ("password/reset/check", "password/reset"):
        assert said(post(client, path, token=token, password=NEW)) == (410, "token_used")
    enable(app)
    assert said(post(client, "password/reset", token=token, password=NEW)) == (410, "token_used")
    assert login(client, password=PASSWORD).status_code == 200


def test_reset_mail_ignores_forged_host_headers(app: Flask, client: FlaskClient) -> None:
    register(client)
    hostile = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Origin": "https://evil.example"}
    client.post("/auth/password/forgot", json={"email": "ada@example.com"}, headers=hostile | bearer("x"))
    mail = mailbox.newest(app, "reset_password")
    assert "evil.example" not in mail.as_string()
    assert "http://localhost:8000/reset#token=" in mailbox.text_of(mail)

"""`flask auth explain` and `send-reset`: why an account can or cannot log in, and what to do about it."""

import getpass
from email.message import EmailMessage

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.mailing import delivery
from tests.conftest import AppFactory
from tests.support.commands import asked, auth, event, written
from tests.support.requests import DAY
from tests.support.sent_mail import RefusingMailer
from tests.support.service import FixedClock, events, execute, login, register, rows, signed_in
from tests.support.small_limits import limits
from utils.mail.mailers import MemoryMailer
from utils.services import services


def deliver(app: Flask) -> list[EmailMessage]:
    """Deliver all due mails; return every mail sent so far."""
    with app.app_context():
        while delivery.deliver_next(services()):
            pass
        mailer = services().mailer
        assert isinstance(mailer, MemoryMailer)
        return mailer.sent


def text_of(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.both_databases(slow=True)
def test_explain_reports_a_usable_account(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    deliver(app)
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is True
    assert told["findings"] == ["The right password opens this account."]
    assert told["user"]["email"] == "ada@example.com"
    assert told["events"][0].endswith(f"An operator looked at the account. ({getpass.getuser()})")
    spoken = auth(app, "explain", "ADA@example.com").stdout
    assert spoken.startswith("ada <ada@example.com> can log in.\n  - The right password")
    assert "You logged in." in spoken
    assert "scrypt" not in spoken + str(told)
    assert written(app) == [event("account_shown", 1)] * 2


@pytest.mark.parametrize("stored", ["argon2id$1$2", "scrypt:2:8:1$salt$", "scrypt:33554432:8:1$salt$00"])
def test_explain_reports_an_unreadable_password_hash(app: Flask, client: FlaskClient, stored: str) -> None:
    signed_in(client)
    execute(app, "UPDATE users SET password_hash = :stored", stored=stored)
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is False
    assert told["findings"][0].startswith("Its stored password hash cannot be read")
    assert "send-reset" in told["findings"][0]
    assert stored not in str(told)


STATES = {
    "disabled": ("UPDATE users SET disabled_at = created_at", "An operator disabled it on 2026-03-01"),
    "leaving": ("UPDATE users SET deletion_due_at = created_at", "it will be erased at 2026-03-01"),
    "blocked": (
        "UPDATE users SET password_blocked_at = created_at",
        "The password is blocked since 2026-03-01",
    ),
    "without a password": ("UPDATE users SET password_hash = NULL", "It has no password and no passkey."),
}


@pytest.mark.parametrize(("change", "words"), STATES.values(), ids=STATES.keys())
def test_explain_names_every_state_that_blocks_login(
    app: Flask, client: FlaskClient, change: str, words: str
) -> None:
    register(client)
    execute(app, change)
    assert login(client).status_code == 401
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is False
    assert words in told["findings"][0]
    assert "cannot log in" in auth(app, "explain", "ada").stdout


def test_explain_reports_an_unconfirmed_address_only_where_required(make_app: AppFactory) -> None:
    relaxed, strict = make_app(), make_app({"REQUIRE_VERIFIED_EMAIL": "true"})
    register(relaxed.test_client())
    assert asked(relaxed, "explain", "ada")["can_log_in"] is True
    told = asked(strict, "explain", "ada")
    assert told["can_log_in"] is False
    assert told["findings"][0].startswith("Its address was never confirmed.")
    assert asked(strict, "explain", "ada")["can_log_in"] == (login(strict.test_client()).status_code == 200)


def test_explain_reports_rate_limited_account_with_duration(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_account=3))
    client = app.test_client()
    register(client)
    for _ in range(3):
        assert login(client, password="wrong").status_code == 401
    assert login(client).status_code == 429
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is False
    assert "is refused for another" in told["findings"][0]
    assert told["findings"][1].startswith("A wrong password was tried 3 times since the last success")
    assert "127.0.0.1" in told["findings"][1]
    clock.advance(3600)
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is True
    assert login(client).status_code == 200
    assert not any("wrong password" in finding for finding in asked(app, "explain", "ada")["findings"])


def test_explain_uses_no_login_attempt(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_account=3))
    register(app.test_client())
    for _ in range(5):
        assert asked(app, "explain", "ada")["can_log_in"] is True
    assert login(app.test_client()).status_code == 200


def test_explain_lists_waiting_and_given_up_mails(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(mailer=RefusingMailer())
    register(app.test_client())

    def try_all() -> None:
        with app.app_context():
            while delivery.deliver_next(services()):
                pass

    try_all()
    waits = asked(app, "explain", "ada")["findings"][1]
    assert "The mail verify_email of 2026-03-01 12:00 UTC waits, tried 1 time (" in waits
    assert "(SMTPDataError 451)" in waits
    auth(app, "send-reset", "ada")
    clock.advance(DAY)
    execute(app, "UPDATE one_time_tokens SET expires_at = :later", later=clock.now().replace(year=2027))
    try_all()
    lost = asked(app, "explain", "ada")["findings"][1:]
    assert [finding for finding in lost if "reset_password" in finding and "was given up" in finding]
    assert events(app).count("mail_given_up") == 2


def test_deliver_mail_command_reports_outcomes(make_app: AppFactory) -> None:
    app, away = make_app(), make_app(mailer=RefusingMailer())
    register(app.test_client())
    result = auth(away, "deliver-mail")
    assert (result.exit_code, result.stdout) == (1, "0 sent, 1 failed, 0 given up, 0 outdated\n")
    register(app.test_client(), "bob")
    assert asked(app, "deliver-mail") == {"sent": 1}
    assert asked(app, "deliver-mail") == {}


def test_explain_reports_a_reserved_username(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    register(client)
    register(client, "grace", email="ada@example.com")
    told = asked(app, "explain", "grace")
    assert told["can_log_in"] is False
    assert "only holds its name" in told["findings"][0]
    assert auth(app, "send-reset", "grace").exit_code == 1


def test_operator_reset_link_works_and_is_logged(app: Flask, client: FlaskClient) -> None:
    register(client)
    assert (
        auth(app, "send-reset", "1").stdout == "The mail is in the outbox. A serving process delivers it.\n"
    )
    assert asked(app, "send-reset", "ada@example.com") == {"written": True}
    mail = [mail for mail in deliver(app) if mail["X-Template"] == "reset_password"][-1]
    token = text_of(mail).partition("#token=")[2].split()[0]
    answer = client.post("/auth/password/reset", json={"token": token, "password": "a new and long one"})
    assert answer.status_code == 200
    assert login(client, password="a new and long one").status_code == 200
    assert login(client).status_code == 401
    assert written(app) == [event("reset_sent", 1)] * 2


def test_a_reset_for_a_disabled_account_is_refused(app: Flask, client: FlaskClient) -> None:
    register(client)
    auth(app, "disable", "ada")
    assert auth(app, "token", "ada").exit_code == 1
    before = rows(app, "SELECT * FROM outbox")
    result = auth(app, "send-reset", "ada")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: The account is disabled, or to be erased.\n"
    assert rows(app, "SELECT * FROM outbox") == before
    assert not {"reset_sent", "token_issued"} & set(events(app))

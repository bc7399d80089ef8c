"""`flask auth explain`, `send-reset` and `doctor`: what an operator is told, and what to do about it."""

import getpass
import json
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from auth.mailing import delivery
from config import Settings, config_by_name
from models import db
from tests.auth.admin.test_operators import DAY, asked, auth, event, written
from tests.conftest import AppFactory
from tests.support.production import FINE
from tests.support.service import FixedClock, events, execute, login, register, rows, signed_in
from tests.support.small_limits import limits
from utils.clock import SystemClock
from utils.mail.delivery import Delivery
from utils.mail.mailers import FileMailer, MailError, MemoryMailer
from utils.services import services


def deliver(app: Flask) -> list[EmailMessage]:
    """Deliver what is due; every mail that was sent so far."""
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


class Refusing:
    """A mailer whose server takes nothing."""

    def send(self, _message: EmailMessage) -> None:
        raise MailError("SMTPRecipientsRefused 550")

    def check(self) -> None:
        raise MailError("ConnectionRefusedError")


def test_an_account_that_works_is_said_to_work(app: Flask, client: FlaskClient) -> None:
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
def test_a_hash_that_cannot_be_read_is_said_to_open_nothing(
    app: Flask, client: FlaskClient, stored: str
) -> None:
    signed_in(client)
    execute(app, "UPDATE users SET password_hash = :stored", stored=stored)
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is False
    assert told["findings"][0].startswith("Its stored password hash cannot be read")
    assert "send-reset" in told["findings"][0]
    assert stored not in str(told)


STATES = {
    "disabled": ("UPDATE users SET disabled_at = created_at", "An operator disabled it on 1 March 2026"),
    "leaving": ("UPDATE users SET deletion_due_at = created_at", "it will be erased on 1 March 2026"),
    "blocked": ("UPDATE users SET password_blocked_at = created_at", "The password is blocked since 1 March"),
    "without a password": ("UPDATE users SET password_hash = NULL", "It has no password and no passkey."),
}


@pytest.mark.parametrize(("change", "words"), STATES.values(), ids=STATES.keys())
def test_every_state_that_closes_an_account_is_named(
    app: Flask, client: FlaskClient, change: str, words: str
) -> None:
    register(client)
    execute(app, change)
    assert login(client).status_code == 401
    told = asked(app, "explain", "ada")
    assert told["can_log_in"] is False
    assert words in told["findings"][0]
    assert "cannot log in" in auth(app, "explain", "ada").stdout


def test_an_unconfirmed_address_matters_only_where_it_is_required(make_app: AppFactory) -> None:
    relaxed, strict = make_app(), make_app({"REQUIRE_VERIFIED_EMAIL": "true"})
    register(relaxed.test_client())
    assert asked(relaxed, "explain", "ada")["can_log_in"] is True
    told = asked(strict, "explain", "ada")
    assert told["can_log_in"] is False
    assert told["findings"][0].startswith("Its address was never confirmed.")
    assert asked(strict, "explain", "ada")["can_log_in"] == (login(strict.test_client()).status_code == 200)


def test_an_account_that_is_slowed_down_says_for_how_long(make_app: AppFactory, clock: FixedClock) -> None:
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


def test_to_be_explained_costs_no_try(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(limiter=limits(clock, login_account=3))
    register(app.test_client())
    for _ in range(5):
        assert asked(app, "explain", "ada")["can_log_in"] is True
    assert login(app.test_client()).status_code == 200


def test_mails_that_wait_or_were_given_up_are_named(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(mailer=Refusing())
    register(app.test_client())

    def try_all() -> None:
        with app.app_context():
            while delivery.deliver_next(services()):
                pass

    try_all()
    waits = asked(app, "explain", "ada")["findings"][1]
    assert "The mail verify_email of 1 March 2026, 12:00 UTC waits, tried 1 time (" in waits
    assert "(SMTPRecipientsRefused 550)" in waits
    auth(app, "send-reset", "ada")
    clock.advance(DAY)
    execute(app, "UPDATE one_time_tokens SET expires_at = :later", later=clock.now().replace(year=2027))
    try_all()
    lost = asked(app, "explain", "ada")["findings"][1:]
    assert [finding for finding in lost if "reset_password" in finding and "was given up" in finding]
    assert events(app).count("mail_given_up") == 2


def test_delivering_by_hand_says_how_it_went(make_app: AppFactory) -> None:
    app, away = make_app(), make_app(mailer=Refusing())
    register(app.test_client())
    result = auth(away, "deliver-mail")
    assert (result.exit_code, result.stdout) == (1, "0 sent, 1 failed, 0 given up, 0 outdated\n")
    register(app.test_client(), "bob")
    assert asked(app, "deliver-mail") == {"sent": 1}
    assert asked(app, "deliver-mail") == {}


def test_a_held_name_is_explained(make_app: AppFactory) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    register(client)
    register(client, "grace", email="ada@example.com")
    told = asked(app, "explain", "grace")
    assert told["can_log_in"] is False
    assert "only holds its name" in told["findings"][0]
    assert auth(app, "send-reset", "grace").exit_code == 1


def test_a_reset_that_an_operator_sends_works_and_is_written_down(app: Flask, client: FlaskClient) -> None:
    register(client)
    assert auth(app, "send-reset", "1").stdout == "The mail is written, and goes while the service runs.\n"
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


def findings(app: Flask, code: int) -> dict[str, dict[str, Any]]:
    """What the doctor says, the worst of each check; the exit code must be this."""
    result = auth(app, "doctor", "--json")
    assert result.exit_code == code, result.output
    told = json.loads(result.stdout)
    assert told["well"] == (code == 0)
    order = ["ok", "warning", "problem"]
    found: dict[str, dict[str, Any]] = {}
    for finding in sorted(told["findings"], key=lambda one: order.index(one["state"])):
        found[finding["check"]] = finding
    assert all(f["advice"] for f in found.values() if f["state"] != "ok"), "says what to do"
    return found


def real_now() -> datetime:
    return SystemClock().now()


@pytest.fixture
def production(make_app: AppFactory, clock: FixedClock, database_uri: str) -> Iterator[AppFactory]:
    """Apps with the settings of a production, on the test's database."""
    made = []
    nobody = Delivery(lambda: False, in_background=False)
    quiet: dict[str, Any] = {"mailer": MemoryMailer(), "delivery": nobody}

    def make(environ: dict[str, str] | None = None, **replaced: Any) -> Flask:
        given = FINE | {"DATABASE_URI": database_uri} | (environ or {})
        settings = Settings.load(config_by_name["production"], given)
        made.append(create_app(settings=settings, **(quiet | replaced)))
        return made[-1]

    yield make
    for app in made:
        with app.app_context():
            db.engine.dispose()


def test_a_production_that_is_well_has_no_problem(production: AppFactory) -> None:
    found = findings(production(), 0)
    assert set(found) >= {"settings", "database", "redis", "mail", "public address", "password hash"}
    assert set(found) >= {"clock", "outbox", "pruning"}
    assert found["public address"]["state"] == "warning"  # auth.example.com is nowhere
    assert "log-ins a second" in found["password hash"]["text"]
    spoken = auth(production(), "doctor").stdout
    assert spoken.endswith("All is well.\n")


def test_mail_that_nobody_would_get_is_a_problem(production: AppFactory, tmp_path: Any) -> None:
    assert findings(production(mailer=Refusing()), 1)["mail"]["state"] == "problem"
    assert findings(production(mailer=FileMailer(tmp_path / "mail")), 1)["mail"]["state"] == "problem"


def test_a_redis_that_is_away_is_a_problem(production: AppFactory) -> None:
    found = findings(production({"REDIS_URL": "redis://127.0.0.1:1/0"}), 1)
    assert found["redis"]["state"] == "problem"
    assert "127.0.0.1:1" not in str(found)  # it may hold a password


def test_an_old_schema_and_a_database_that_is_away_are_problems(production: AppFactory) -> None:
    app = production()
    (newest,) = rows(app, "SELECT version_num FROM alembic_version")
    execute(app, "UPDATE alembic_version SET version_num = '0001'")
    try:
        assert "db upgrade" in findings(app, 1)["database"]["advice"]
    finally:
        execute(app, "UPDATE alembic_version SET version_num = :version_num", **newest)
    away = production({"DATABASE_URI": "postgresql://auth:canary@127.0.0.1:1/auth"})
    found = findings(away, 1)
    assert found["database"]["state"] == "problem"
    assert "canary" not in str(found)
    assert "outbox" not in found


def test_a_clock_that_differs_is_a_problem_where_there_are_two(production: AppFactory) -> None:
    clock = FixedClock(real_now())
    app = production(clock=clock)
    assert findings(app, 0)["clock"]["state"] == "ok"
    clock.advance(60)
    is_postgres = "postgres" in app.config["SQLALCHEMY_DATABASE_URI"]
    assert findings(app, int(is_postgres))["clock"]["state"] == ("problem" if is_postgres else "ok")


def test_a_backlog_of_mails_is_a_problem_and_lost_ones_are_a_warning(production: AppFactory) -> None:
    app = production({"RATE_LIMIT_ENABLED": "true"}, clock=(clock := FixedClock(real_now())))
    register(app.test_client())
    assert findings(app, 0)["outbox"]["state"] == "ok"
    execute(app, "UPDATE outbox SET created_at = :past", past=START_OF_2026)
    assert findings(app, 1)["outbox"]["state"] == "problem"
    execute(app, "UPDATE outbox SET given_up_at = :n, last_error = 'x'", n=clock.now())
    clock.moment = real_now()  # a slow machine takes long
    assert findings(app, 0)["outbox"]["state"] == "warning"


START_OF_2026 = "2026-01-01 00:00:00+00:00"


def test_what_nobody_prunes_is_a_problem_and_nothing_is_deleted_by_looking(production: AppFactory) -> None:
    app = production()
    register(app.test_client())
    execute(app, "UPDATE audit_events SET at = :past", past="2020-01-01 00:00:00+00:00")
    found = findings(app, 1)["pruning"]
    assert "audit_events" in found["text"]
    assert len(rows(app, "SELECT id FROM audit_events")) == 1
    auth(app, "prune")
    assert findings(app, 0)["pruning"]["state"] == "ok"

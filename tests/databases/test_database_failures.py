"""Database and mailer failures at every point: atomic changes, clear errors, working retries."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.admin import pruning
from auth.mailing import delivery
from auth.roles.actors import Operator
from tests.conftest import AppFactory
from tests.support.failing_services import FailingMailer, everything, failing_at
from tests.support.members import NEW, Action, Member
from tests.support.service import PASSWORD, FixedClock, events, execute, login, register, rows
from utils.client_info import ClientInfo
from utils.mail.mailers import MailError
from utils.services import Services

# The action and its audit event. The outer call prepares the action and is not made to fail.
ACTIONS: dict[str, tuple[Callable[[Member], Action], str]] = {
    "register": (lambda _: lambda: register(_.client, "grace"), "account_registered"),
    "login": (lambda _: lambda: login(_.client), "signed_in"),
    "verify": (Member.verified_without_session, "email_verified"),
    "verify with a session": (
        lambda _: lambda: _.post("email/verify", token=_.verification),
        "email_verified",
    ),
    "reject": (lambda _: _.with_token("email/reject", _.verification), "registration_rejected"),
    "resend": (lambda _: lambda: _.post("email/resend", email="ada@example.com"), "verification_requested"),
    "forgot": (
        lambda _: lambda: _.post("password/forgot", email="ada@example.com"),
        "password_reset_requested",
    ),
    "forgot of a stranger": (
        lambda _: lambda: _.post("password/forgot", email="unknown@example.com"),
        "password_reset_requested",
    ),
    "reset": (lambda _: _.with_token("password/reset", _.forgot(), password=NEW), "password_reset"),
    "change of password": (lambda _: _.change_password, "password_changed"),
    "reauth": (lambda _: lambda: _.post("reauth", password=PASSWORD), "reauthenticated"),
    "refused reauth": (lambda _: lambda: _.post("reauth", password="a wrong one"), "proof_refused"),
    "refused link": (lambda _: _.with_token("me/restore", _.verification), "link_refused"),
    "asking to change the address": (
        lambda _: lambda: _.post("email/change", email="new@example.com"),
        "email_change_requested",
    ),
    "asking for a taken address": (
        lambda _: lambda: _.post("email/change", email="ada@example.com"),
        "email_change_requested",
    ),
    "change of address": (
        lambda _: _.with_token("email/verify", _.change_address(), password=PASSWORD),
        "email_changed",
    ),
    "undo": (lambda _: _.with_token("email/change/undo", _.move()), "email_change_undone"),
    "disown": (lambda _: _.with_token("sessions/disown", _.disowning), "sign_in_disowned"),
    "rename": (lambda _: _.rename, "username_changed"),
    "delete": (lambda _: _.request_deletion, "deletion_requested"),
    "restore": (lambda _: _.with_token("me/restore", _.pending_deletion()), "account_restored"),
}


# The second kind differs in the status alone: one action shows it in `make check`, all in `make nightly`.
FAILURES = [
    *((name, "OperationalError") for name in ACTIONS),
    pytest.param("login", "InternalError", marks=pytest.mark.slow),
    *(pytest.param(name, "InternalError", marks=pytest.mark.nightly) for name in ACTIONS if name != "login"),
]


@pytest.mark.provokes_errors
@pytest.mark.parametrize(("name", "kind"), FAILURES)
def test_failure_at_any_statement_rolls_back_the_whole_change(app: Flask, name: str, kind: str) -> None:
    prepare, word = ACTIONS[name]
    action = prepare(Member(app))
    before, logged = everything(app), events(app)
    for number in range(1, 50):
        with failing_at(app, number, kind) as asked:
            answer = action()
        if len(asked) < number:
            break  # every statement had its turn; this time nothing failed
        assert answer.status_code == (503 if kind == "OperationalError" else 500), asked
        assert set(answer.get_json()) == {"code", "message", "request_id"}
        assert "canary" not in answer.get_data(as_text=True)
        assert everything(app) == before, asked
    assert number > 3
    assert asked.count("COMMIT") == 1  # a flow commits once
    refused = {"refused reauth": 403, "refused link": 404}
    assert answer.status_code == refused.get(name, answer.status_code) < (500 if name in refused else 300)
    assert events(app) == [*logged, word]


@pytest.mark.provokes_errors
def test_export_that_fails_at_any_statement_is_an_error_or_complete(app: Flask) -> None:
    """It commits its audit event first, and its end last: without that, the lease ends by itself."""
    ada = Member(app)
    for number in range(1, 50):
        with failing_at(app, number, "OperationalError") as asked:
            answer = ada.export()
        if len(asked) < number:
            break
        is_end = asked[number - 1].startswith("DELETE") or asked[:number].count("COMMIT") == 2
        assert answer.status_code == (200 if is_end else 503), asked
        assert "canary" not in answer.get_data(as_text=True)
        execute(app, "DELETE FROM leases")
    assert number > 12
    assert asked.count("COMMIT") == 2
    assert set(events(app)[2:]) == {"data_exported"}


@pytest.mark.provokes_errors
@pytest.mark.parametrize("kind", ["OperationalError", "InternalError"])
def test_failed_erasure_is_atomic_for_each_account(app: Flask, clock: FixedClock, kind: str) -> None:
    """Each account is erased in its own transaction."""
    Member(app).pending_deletion()
    clock.advance(timedelta(days=14).total_seconds())
    operator = Operator("tester", ClientInfo(address=None, user_agent="", request_id=""))
    services: Services = app.extensions["auth_services"]
    tables = ("users", "sessions", "one_time_tokens", "known_devices")
    for number in range(1, 50):
        before = everything(app)
        with failing_at(app, number, kind) as asked, app.app_context(), suppress(Exception):
            pruning.prune(services, operator)
        if len(asked) < number:
            break
        now = everything(app)
        # Pruning goes on after the failure: other steps of it may change what is left of the account.
        is_there = bool(now["users"]) and now["known_devices"] == before["known_devices"]
        assert is_there or not any(now[table] for table in tables), asked
        assert len(now["users"]) + events(app).count("account_erased") == 1, asked
    assert len(asked) < number
    assert rows(app, "SELECT id FROM users") == []
    assert events(app).count("account_erased") == 1


def deliver(app: Flask) -> None:
    with app.app_context():
        delivery.deliver_next(app.extensions["auth_services"])


PROBLEMS = [MailError("no"), OSError("canary"), KeyError("canary"), TimeoutError("canary")]


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
@pytest.mark.parametrize("has_it", [False, True])
def test_failed_mail_is_retried(
    make_app: AppFactory, clock: FixedClock, problem: Exception, has_it: bool
) -> None:
    """For every mailer exception. A mail accepted nevertheless is sent again as the same message."""
    mailer = FailingMailer(problem, times=3, has_it=has_it)
    app = make_app(mailer=mailer)
    register(app.test_client())
    for attempt in range(1, 4):
        deliver(app)
        deliver(app)  # not due yet
        assert rows(app, "SELECT attempts, sent_at, given_up_at FROM outbox") == [
            {"attempts": attempt, "sent_at": None, "given_up_at": None}
        ]
        clock.advance(600)
    deliver(app)
    assert rows(app, "SELECT id FROM outbox WHERE sent_at IS NULL") == []
    assert len({mail["Message-ID"] for mail in mailer.sent}) == 1
    assert len(mailer.sent) == (4 if has_it else 1)
    assert "canary" not in str(rows(app, "SELECT * FROM outbox"))
    assert events(app) == ["account_registered"]


@pytest.mark.parametrize("problem", PROBLEMS, ids=repr)
def test_a_mail_that_always_fails_is_given_up(
    make_app: AppFactory, clock: FixedClock, problem: Exception
) -> None:
    Member(make_app()).change_password()
    app = make_app(mailer=FailingMailer(problem, times=1000))
    for _ in range(15):
        clock.advance(7201)
        deliver(app)
    assert events(app)[-2:] == ["password_changed", "mail_given_up"]
    (mail,) = rows(app, "SELECT attempts, last_error FROM outbox WHERE given_up_at IS NOT NULL")
    assert mail["attempts"] < 15
    assert mail["last_error"] in {"no", type(problem).__name__}


def deliver_and_ignore_errors(app: Flask) -> None:
    """Deliver as the thread does: log an error and continue."""
    try:
        deliver(app)
    except Exception:  # noqa: BLE001  (the thread catches everything, too)
        with app.app_context():
            app.extensions["auth_services"].tx().rollback()


@pytest.mark.provokes_errors
@pytest.mark.parametrize("kind", ["OperationalError", "InternalError"])
def test_database_failure_during_delivery_loses_no_mail(app: Flask, clock: FixedClock, kind: str) -> None:
    """At every statement: the mail is sent in the end, and more than once only as the same message."""
    register(app.test_client())
    services: Services = app.extensions["auth_services"]
    for number in range(1, 20):
        with failing_at(app, number, kind) as asked:
            deliver_and_ignore_errors(app)
        if len(asked) < number:
            break
        assert rows(app, "SELECT given_up_at FROM outbox") == [{"given_up_at": None}]
        clock.advance(301)  # the lease of the unfinished attempt
        if rows(app, "SELECT id FROM outbox WHERE sent_at IS NOT NULL"):
            break
    assert number > 4
    sent = services.mailer.sent  # type: ignore[attr-defined]
    assert sent
    assert len({mail["Message-ID"] for mail in sent}) == 1


@pytest.mark.parametrize(
    "name", ["register", "forgot", "reset", "delete", "disown", "undo", "change of address"]
)
def test_mailer_outage_keeps_mail_in_the_outbox(make_app: AppFactory, name: str) -> None:
    """Mail is delivered after the commit, so the caller does not learn the outcome."""
    app = make_app()
    prepare, word = ACTIONS[name]
    action = prepare(Member(app))
    down = make_app(mailer=FailingMailer(MailError("down"), times=100))
    answer = action()
    assert answer.status_code < 300
    assert events(app)[-1] == word
    waiting = rows(app, "SELECT id FROM outbox WHERE sent_at IS NULL")
    assert waiting
    for _ in waiting:
        deliver(down)
    assert rows(app, "SELECT id FROM outbox WHERE sent_at IS NULL AND given_up_at IS NULL") == waiting


def test_comparison_of_all_tables_detects_a_change(app: Flask, client: FlaskClient) -> None:
    register(client)
    before = everything(app)
    login(client)
    assert {name for name, now in everything(app).items() if now != before[name]} == {
        *("sessions", "one_time_tokens", "outbox", "known_devices", "audit_events")
    }

"""Unconfirmed accounts: those that were not used after their first day expire, all others stay."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from flask import Flask

from auth.accounts import registration
from tests.conftest import AppFactory
from tests.support.passkeys import added
from tests.support.requests import DAY, HOUR, OPERATOR, confirmed, disable, post, prune
from tests.support.service import (
    PASSWORD,
    FixedClock,
    at_once,
    events,
    execute,
    login,
    refresh,
    register,
    rows,
    signed_in,
)
from utils.mail.mailers import MemoryMailer
from utils.services import services

pytestmark = pytest.mark.both_databases(slow=True)
MAIL = {"MAIL_URL": "file:unused"}
WEEK = 7 * DAY


def names(app: Flask) -> set[str]:
    return {row["username"] for row in rows(app, "SELECT username FROM users")}


@pytest.fixture
def mailing(make_app: AppFactory) -> Flask:
    """Make an app that sends mail."""
    return make_app(MAIL, mailer=MemoryMailer())


@pytest.mark.both_databases
def test_untouched_unconfirmed_account_is_erased_after_its_lifetime(
    mailing: Flask, clock: FixedClock
) -> None:
    register(mailing.test_client())
    confirmed(mailing, "grace")
    clock.advance(WEEK)
    assert prune(mailing)["users"] == 0
    clock.advance(1)
    assert prune(mailing)["users"] == 1
    assert names(mailing) == {"grace"}
    assert events(mailing).count("account_erased") == 1


def test_use_within_the_first_day_does_not_keep_an_account(mailing: Flask, clock: FixedClock) -> None:
    pair = signed_in(mailing.test_client())
    clock.advance(DAY)
    assert refresh(mailing.test_client(), pair["refresh_token"]).status_code == 401  # idle for 12 hours
    clock.advance(WEEK)
    assert prune(mailing)["users"] == 1


def logs_in(app: Flask) -> None:
    assert login(app.test_client()).status_code == 200


def refreshes(app: Flask) -> None:
    assert refresh(app.test_client(), app.config["REMEMBERED"]).status_code == 200


def is_disabled(app: Flask) -> None:
    disable(app)


def gets_a_token(app: Flask) -> None:
    assert app.test_cli_runner().invoke(args=["auth", "token", "ada"]).exit_code == 0


@pytest.mark.parametrize("use", [logs_in, refreshes, is_disabled, gets_a_token])
def test_account_that_was_used_or_set_up_stays(
    mailing: Flask, clock: FixedClock, use: Callable[[Flask], None]
) -> None:
    mailing.config["REMEMBERED"] = signed_in(mailing.test_client(), remember=True)["refresh_token"]
    clock.advance(DAY + 1)
    use(mailing)
    clock.advance(60 * DAY)
    assert prune(mailing)["users"] == 0
    clock.advance(400 * DAY)
    assert prune(mailing)["users"] == 0
    assert names(mailing) == {"ada"}


def test_account_with_a_second_factor_stays(mailing: Flask, clock: FixedClock) -> None:
    client = mailing.test_client()
    added(client, signed_in(client)["access_token"])
    clock.advance(60 * DAY)
    assert prune(mailing)["users"] == 0


def test_account_of_an_operator_or_from_before_the_upgrade_stays(mailing: Flask, clock: FixedClock) -> None:
    with mailing.app_context():
        registration.create_by_operator(
            services(),
            username="ada",
            email="ada@example.com",
            password=PASSWORD,
            operator="root",
            client=OPERATOR.client,
        )
    register(mailing.test_client(), "grace")
    execute(mailing, "UPDATE users SET origin = NULL WHERE username = 'grace'")
    clock.advance(60 * DAY)
    assert prune(mailing)["users"] == 0
    assert names(mailing) == {"ada", "grace"}


def test_account_without_mail_stays_also_after_mail_is_set_up(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app()
    register(app.test_client())
    clock.advance(WEEK + 1)
    assert prune(app)["users"] == 0
    clock.advance(60 * DAY)
    assert prune(make_app(MAIL))["users"] == 0
    assert names(app) == {"ada"}


@pytest.mark.parametrize(("lifetime", "erased"), [("0", 0), ("172800", 1), ("2592000", 0)])
def test_lifetime_of_unconfirmed_accounts_is_a_setting(
    make_app: AppFactory, clock: FixedClock, lifetime: str, erased: int
) -> None:
    app = make_app(MAIL | {"UNCONFIRMED_ACCOUNT_LIFETIME": lifetime})
    register(app.test_client())
    clock.advance(2 * DAY + 1)
    assert prune(app)["users"] == erased


def test_lifetime_zero_keeps_accounts_that_must_be_confirmed(make_app: AppFactory, clock: FixedClock) -> None:
    required = {"REQUIRE_VERIFIED_EMAIL": "true", "UNCONFIRMED_ACCOUNT_LIFETIME": "0"}
    app = make_app(MAIL | required)
    register(app.test_client())
    clock.advance(60 * DAY)
    assert prune(app)["users"] == 0


def test_accounts_that_must_be_confirmed_stay_while_no_mail_is_sent(
    make_app: AppFactory, clock: FixedClock
) -> None:
    required = {"REQUIRE_VERIFIED_EMAIL": "true"}
    app = make_app(required)
    register(app.test_client())
    clock.advance(60 * DAY)
    assert prune(app)["users"] == 0
    assert prune(make_app(required | MAIL))["users"] == 1


def test_ended_session_shows_use_until_the_account_is_decided(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(MAIL | {"ENDED_SESSION_RETENTION": "0"})
    client = app.test_client()
    register(client)
    clock.advance(DAY + 1)
    pair = login(client).get_json()
    assert post(client, "logout", refresh_token=pair["refresh_token"]).status_code == 204
    clock.advance(HOUR)
    assert prune(app)["sessions"] == 0
    clock.advance(WEEK)
    found = prune(app)
    assert (found["users"], found["sessions"]) == (0, 1)
    assert names(app) == {"ada"}


@pytest.mark.parametrize("by", ["login", "refresh"])
def test_use_at_the_moment_of_expiry_is_refused_or_keeps_the_account(
    mailing: Flask, clock: FixedClock, by: str
) -> None:
    for number in range(6):
        name, client = f"user{number}", mailing.test_client()
        token = signed_in(client, name, remember=True)["refresh_token"]
        clock.advance(WEEK + 1)
        use = partial(login, client, name) if by == "login" else partial(refresh, client, token)
        calls: list[Callable[[], Any]] = [partial(prune, mailing), use]
        _, answer = at_once(calls)
        assert (answer.status_code == 200) == (name in names(mailing))
        if answer.status_code == 200:
            clock.advance(60 * DAY)
            prune(mailing)
            assert name in names(mailing)


def dry_run(app: Flask, *options: str) -> str:
    result = app.test_cli_runner().invoke(args=["auth", "prune", "--dry-run", *options])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def test_dry_run_lists_the_accounts_that_would_be_erased_and_erases_none(
    mailing: Flask, clock: FixedClock
) -> None:
    for name in ("ada", "grace", "mary"):
        register(mailing.test_client(), name)
    clock.advance(DAY + 1)
    assert login(mailing.test_client(), "grace").status_code == 200
    execute(mailing, "UPDATE users SET deletion_due_at = :at WHERE username = 'mary'", at=str(clock.now()))
    assert "ada" not in dry_run(mailing)
    clock.advance(timedelta(days=6).total_seconds())
    told = dry_run(mailing)
    assert "mary  <mary@example.com>  deletion requested" in told
    assert "ada  <ada@example.com>  never confirmed, not used after its first day" in told
    assert "grace" not in told
    assert told.endswith("2 accounts would be erased.\n")
    limited = dry_run(mailing, "--limit", "1")
    assert "ada" not in limited
    assert "2 accounts would be erased." in limited
    assert names(mailing) == {"ada", "grace", "mary"}
    assert events(mailing)[-1] == "accounts_listed"
    assert prune(mailing)["users"] == 2


def test_explain_tells_when_an_unused_account_expires(mailing: Flask, clock: FixedClock) -> None:
    register(mailing.test_client())
    explained = partial(mailing.test_cli_runner().invoke, args=["auth", "explain", "ada"])
    assert "It is erased after 2026-03-08 12:00 UTC" in explained().stdout
    clock.advance(DAY + 1)
    login(mailing.test_client())
    assert "is erased" not in explained().stdout


def test_explain_tells_when_an_account_that_must_be_confirmed_expires(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(MAIL | {"REQUIRE_VERIFIED_EMAIL": "true"}, mailer=MemoryMailer())
    register(app.test_client())
    confirmed(app, "grace")
    register(app.test_client(), "zoe")
    execute(app, "UPDATE users SET origin = 'operator' WHERE username = 'zoe'")
    run = app.test_cli_runner().invoke
    assert "is erased" not in run(args=["auth", "explain", "zoe"]).stdout
    end = "It is erased after 2026-03-08 12:00 UTC, unless its address is confirmed before."
    assert end in run(args=["auth", "explain", "ada"]).stdout
    assert "is erased" not in run(args=["auth", "explain", "grace"]).stdout
    clock.advance(WEEK + 1)
    listed = run(args=["auth", "prune", "--dry-run"]).stdout
    assert ("ada" in listed, "zoe" in listed) == (True, False)

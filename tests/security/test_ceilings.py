"""Ceilings over the whole service: what they refuse, and what they never hold back."""

from unittest.mock import Mock

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.production import faults, load
from tests.support.requests import HOUR, MINUTE, confirm_addresses, confirmed, post, said
from tests.support.sent_mail import RefusingMailer
from tests.support.service import (
    CountingHasher,
    FixedClock,
    bearer,
    events,
    login,
    register,
    rows,
    signed_in,
)
from tests.support.small_limits import ON
from utils.errors import TooManyRequests
from utils.limits.ceilings import Ceilings
from utils.limits.rate_limits import NoLimits, Policy, RateLimitStatus
from utils.observability.metrics import Metrics

ONE = ON | {"REGISTRATION_CEILING": "1", "UNPROVEN_MAIL_CEILING": "3"}


def register_from(app: Flask, number: int, **more: str) -> TestResponse:
    """Register an account from a network of its own."""
    body = {"username": f"user{number}", "email": f"user{number}@example.com", "password": "correct horse"}
    return app.test_client().post(
        "/auth/register", json=body | more, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}
    )


def resend_from(app: Flask, number: int, email: str = "unknown@example.com") -> TestResponse:
    return app.test_client().post(
        "/auth/email/resend", json={"email": email}, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"}
    )


def test_registrations_from_many_networks_reach_the_ceiling(
    make_app: AppFactory, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(ON | {"REGISTRATION_CEILING": "2"})
    assert [register_from(app, number).status_code for number in range(2)] == [201, 201]
    clock.advance(600)
    answers = [register_from(app, number) for number in range(2, 5)]
    assert {said(answer) for answer in answers} == {(429, "rate_limited")}
    assert answers[0].headers["Retry-After"] == "3000"
    assert answers[0].headers["RateLimit"].startswith('"register";')  # not what others do
    lines = [each.__dict__ for each in caplog.records if each.getMessage() == "ceiling reached"]
    assert [(line["levelname"], line["policy"]) for line in lines] == [("WARNING", "registrations")]
    figures = app.extensions["auth_services"].metrics.exposition().decode()
    assert 'auth_ceilings_reached_total{ceiling="registrations",outcome="refused"} 3.0' in figures
    assert 'auth_limits_hit_total{policy="registrations"} 3.0' in figures
    clock.advance(3000)
    assert register_from(app, 5).status_code == 201


def test_refused_registration_computes_no_hash_and_writes_nothing(make_app: AppFactory) -> None:
    counting = CountingHasher(make_app().extensions["auth_services"].hasher)
    app = make_app(ONE, hasher=counting)
    assert [register_from(app, number).status_code for number in range(3)] == [201, 429, 429]
    assert counting.calls == 1
    assert len(rows(app, "SELECT id FROM users")) == len(rows(app, "SELECT id FROM outbox")) == 1


def test_registration_that_is_refused_anyway_does_not_count(make_app: AppFactory) -> None:
    app = make_app(ON | {"REGISTRATION_CEILING": "2"})
    assert register_from(app, 1).status_code == 201
    taken = [register_from(app, 2, email="user1@example.com") for _ in range(3)]
    assert {said(answer) for answer in taken} == {(409, "email_taken")}
    assert register_from(app, 3).status_code == 201


def test_one_spent_ceiling_does_not_use_up_the_other(make_app: AppFactory) -> None:
    app = make_app(ON | {"REGISTRATION_CEILING": "2", "UNPROVEN_MAIL_CEILING": "1"})
    assert [register_from(app, number).status_code for number in range(9)] == [201] + [429] * 8
    [counted] = rows(app, "SELECT calls FROM rate_limits WHERE key = 'registrations:service'")
    assert counted == {"calls": 1}


def test_resend_is_refused_for_every_address_alike(make_app: AppFactory) -> None:
    app = make_app(ON | {"UNPROVEN_MAIL_CEILING": "4"})
    confirmed(app, "ada")
    register_from(app, 1)
    addresses = ("unknown@example.com", "ada@example.com", "user1@example.com")
    before = {said(resend_from(app, number, email)) for number, email in enumerate(addresses[:2])}
    assert {status for status, _ in before} == {202}
    after = [resend_from(app, number + 9, email) for number, email in enumerate(addresses)]
    assert {said(answer) for answer in after} == {(429, "rate_limited")}


def spent(app: Flask) -> None:
    """Reach every ceiling."""
    for number in range(9):
        register_from(app, number)
        resend_from(app, number)
    assert register_from(app, 10).status_code == resend_from(app, 10).status_code == 429


@pytest.mark.both_databases
def test_with_every_ceiling_spent_a_member_logs_in_and_gets_a_reset_mail(make_app: AppFactory) -> None:
    app = make_app(ONE | {"REGISTRATION_CEILING": "2"})
    client = app.test_client()
    confirmed(app, "ada")
    spent(app)
    access = login(client).get_json()["access_token"]
    assert client.get("/auth/me", headers=bearer(access)).status_code == 200
    assert post(client, "password/forgot", email="ada@example.com").status_code == 202
    assert post(client, "email/change", access, email="new@example.com").status_code == 202
    sent = mailbox.sent(app)
    assert ("reset_password", "ada@example.com") in sent
    assert ("new_sign_in", "ada@example.com") in sent
    assert ("change_email", "new@example.com") in sent


def test_address_change_of_an_unconfirmed_account_counts(make_app: AppFactory) -> None:
    app = make_app(ONE)
    client = app.test_client()
    access = signed_in(client, "mallory")["access_token"]
    answers = [post(client, "email/change", access, email=f"v{n}@example.com") for n in range(4)]
    assert [answer.status_code for answer in answers] == [202, 202, 429, 429]


def test_reset_mail_to_an_unconfirmed_address_waits_for_the_ceiling(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """`password/forgot` answers the same for every address, so the mail is counted when it is delivered."""
    app = make_app(ON | {"UNPROVEN_MAIL_CEILING": "2"})
    client: FlaskClient = app.test_client()
    register(client, "mallory")
    confirmed(app, "ada")
    clock.advance(10 * MINUTE)
    for name in ("mallory", "ada"):
        assert post(client, "password/forgot", email=f"{name}@example.com").status_code == 202
    assert delivered_by_the_minute(app, clock, 50) == ["ada@example.com"]
    assert delivered_by_the_minute(app, clock, 8) == ["ada@example.com", "mallory@example.com"]
    token = mailbox.token(app, "reset_password", "mallory@example.com")
    assert post(client, "password/reset/check", token=token).status_code == 200


def delivered_by_the_minute(app: Flask, clock: FixedClock, minutes: int) -> list[str]:
    """Deliver what is due now and in each of the next minutes; return who got a reset mail until then."""
    for _ in range(minutes):
        mailbox.deliver(app)
        clock.advance(MINUTE)
    return [to for template, to in mailbox.sent(app) if template == "reset_password"]


def test_reset_mail_that_waits_for_the_ceiling_longer_than_its_link_lives_is_given_up(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(ON | {"UNPROVEN_MAIL_CEILING": "1"})
    client = app.test_client()
    register(client, "mallory")
    clock.advance(1)
    post(client, "password/forgot", email="mallory@example.com")
    assert delivered_by_the_minute(app, clock, 59) == []
    clock.advance(MINUTE)
    assert register_from(app, 1).status_code == 201  # spends the next hour
    assert delivered_by_the_minute(app, clock, 30) == []
    assert events(app)[-1] == "mail_given_up"
    clock.advance(HOUR)
    post(client, "password/forgot", email="mallory@example.com")
    assert delivered_by_the_minute(app, clock, 1) == ["mallory@example.com"]


@pytest.mark.both_databases(slow=True)
def test_with_every_limit_spent_mails_of_operators_and_security_notices_go(make_app: AppFactory) -> None:
    app = make_app(ON | {"REGISTRATION_CEILING": "3", "UNPROVEN_MAIL_CEILING": "5"})
    client = app.test_client()
    signed_in(client, "mallory")
    post(client, "email/resend", email="mallory@example.com")  # the third mail in an hour to this address
    access = signed_in(client, "grace")["access_token"]
    spent(app)
    before = len(mailbox.sent(app))
    assert client.delete("/auth/me", headers=bearer(access)).status_code == 202
    for command in (*[["send-reset", "mallory"]] * 4, ["lock-out", "mallory"]):
        assert app.test_cli_runner().invoke(args=["auth", *command]).exit_code == 0
        mailbox.deliver(app)  # of more than three valid links to one account, the oldest become void
    assert mailbox.sent(app)[before:] == [
        ("deletion_requested", "grace@example.com"),
        *[("reset_password", "mallory@example.com")] * 4,
        ("password_blocked", "mallory@example.com"),
    ]
    post(client, "password/forgot", email="grace@example.com")  # a stranger can ask for the first one again
    assert len(mailbox.sent(app)) == before + 6


@pytest.mark.both_databases(slow=True)
def test_logins_to_unconfirmed_accounts_count_for_the_ceiling(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(ON | {"UNPROVEN_MAIL_CEILING": "5"})
    for number in range(3):
        assert register_from(app, number).status_code == 201
        for _ in range(3):  # two of these mails are within the limit of their address
            assert login(app.test_client(), f"user{number}", "correct horse").status_code == 200
    delivered_by_the_minute(app, clock, 59)
    assert [template for template, _ in mailbox.sent(app)].count("new_sign_in") == 2
    assert register_from(app, 9).status_code == 429
    clock.advance(MINUTE)
    delivered_by_the_minute(app, clock, 11)
    assert [template for template, _ in mailbox.sent(app)].count("new_sign_in") == 6


def test_mail_that_is_tried_again_is_counted_once(make_app: AppFactory, clock: FixedClock) -> None:
    mailer = RefusingMailer()
    app = make_app(ON | {"UNPROVEN_MAIL_CEILING": "3"}, mailer=mailer)
    assert register(app.test_client()).status_code == 201
    post(app.test_client(), "password/forgot", email="ada@example.com")
    for _ in range(40):
        mailbox.deliver(app)
        clock.advance(MINUTE)
    [counted] = rows(app, "SELECT calls FROM rate_limits WHERE key = 'unproven-mails:service'")
    assert counted == {"calls": 2}
    assert register_from(app, 1).status_code == 201


def test_mail_that_waits_for_a_ceiling_goes_once_its_address_is_confirmed(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(ON | {"UNPROVEN_MAIL_CEILING": "1"})
    client = app.test_client()
    register(client, "mallory")
    post(client, "password/forgot", email="mallory@example.com")
    assert delivered_by_the_minute(app, clock, 5) == []
    confirm_addresses(app)
    assert delivered_by_the_minute(app, clock, 10) == ["mallory@example.com"]


def test_call_beyond_one_of_two_ceilings_is_not_counted(clock: FixedClock) -> None:
    left = {"registrations": 9, "unproven-mails": 0}
    limiter = Mock(spec=NoLimits)
    limiter.peek.side_effect = lambda name, _: RateLimitStatus(name, Policy(9, 3600), left[name], 60)
    ceilings = Ceilings(limiter, [*left], None, Metrics(), clock)
    with pytest.raises(TooManyRequests) as refusal:
        ceilings.check("registrations", "unproven-mails", route="register", response=None, address=None)
    assert (refusal.value.policy, refusal.value.headers["Retry-After"]) == ("unproven-mails", "60")
    limiter.check.assert_not_called()


def test_ceilings_are_off_by_default(make_app: AppFactory) -> None:
    app = make_app(ON)
    assert {register_from(app, number).status_code for number in range(30)} == {201}
    settings = load()
    assert (settings.registration_ceiling, settings.unproven_mail_ceiling) == (0, 0)
    assert (settings.proof_of_work, settings.challenge_url, settings.challenge_secret) == (False, None, None)


def test_inconsistent_challenge_settings_are_refused() -> None:
    url, secret = "https://challenges.example/siteverify", "a secret of the provider"
    assert load(CHALLENGE_URL=url, CHALLENGE_SECRET=secret).challenge_url == url
    for given in (
        {"CHALLENGE_URL": url},
        {"CHALLENGE_SECRET": secret},
        {"CHALLENGE_URL": url, "CHALLENGE_SECRET": secret, "PROOF_OF_WORK": "true"},
        {"CHALLENGE_URL": "http://challenges.example/", "CHALLENGE_SECRET": secret},
        {"CHALLENGE_URL": f"{url}?a=b", "CHALLENGE_SECRET": secret},
    ):
        assert any("CHALLENGE_URL" in fault for fault in faults(**given)), given


def test_an_hour_later_a_spent_ceiling_is_logged_again(
    make_app: AppFactory, clock: FixedClock, caplog: pytest.LogCaptureFixture
) -> None:
    app = make_app(ONE)
    for _ in range(2):
        spent(app)
        clock.advance(HOUR)
    lines = [each for each in caplog.records if each.getMessage() == "ceiling reached"]
    assert [line.__dict__["policy"] for line in lines].count("registrations") == 2

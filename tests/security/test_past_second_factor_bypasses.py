"""Second-factor bypasses known from other services, tried on this one."""

import re
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from auth.factors.verification import MAX_TRIES
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.authenticator_app import Owner, trusted
from tests.support.passkeys import added, options_of
from tests.support.requests import DAY, HOUR, NEW, forget, moved, post, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    at_once,
    bearer,
    events,
    execute,
    login,
    me,
    rows,
    signed_in,
)
from tests.support.soft_passkey import b64

ASKED = (401, "second_factor_required")
INVALID = (401, "second_factor_invalid")
OVER = (401, "challenge_invalid")
WRONG = (403, "wrong_code")
SAME = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def owner(client: FlaskClient, clock: FixedClock) -> Owner:
    return Owner(client, clock)


def sessions(app: Flask) -> int:
    return len(rows(app, "SELECT id FROM sessions"))


def opens_nothing(answer: TestResponse) -> None:
    """Assert that neither the body nor the headers contain a session's tokens."""
    text = answer.get_data(as_text=True) + str(answer.headers)
    assert not [word for word in ('"access_token', '"refresh_token"', "__Host-refresh") if word in text]


# What a password alone allows


@pytest.mark.parametrize("by_cookie", [False, True], ids=["body", "cookie"])
def test_challenge_token_is_no_better_than_no_token_on_every_route(
    app: Flask, owner: Owner, by_cookie: bool
) -> None:
    anonymous, challenged = app.test_client(), app.test_client()
    headers, none = bearer(owner.challenge()), bearer("A" * 64)
    if by_cookie:
        assert said(login(challenged, token_delivery="cookie", headers=SAME)) == ASKED
        assert challenged.get_cookie("__Host-challenge") is not None
        headers, none = SAME, SAME
    tried = 0
    for rule in app.url_map.iter_rules():
        path = re.sub("<uuid:.*>", str(uuid4()), rule.rule)
        if path == "/auth/login/second-factor" or not path.startswith("/auth/"):
            continue
        for method in (rule.methods or set()) & {"GET", "POST", "PATCH", "DELETE"}:
            body = None if method == "GET" else {"code": owner.phone.code(), "name": "x"}
            told = challenged.open(path, method=method, json=body, headers=headers)
            assert said(told) == said(anonymous.open(path, method=method, json=body, headers=none)), path
            opens_nothing(told)
            tried += 1
    assert tried > 30


@pytest.mark.parametrize(
    "how", ["name", "address", "email", "cookie", "fields", "forged", "cut", "device", "trust"]
)
def test_password_alone_never_creates_a_session(
    app: Flask, owner: Owner, clock: FixedClock, how: str
) -> None:
    other = Owner(app.test_client(), clock, "grace")
    theirs = trusted(other, clock)["X-Device-Token"]
    mine, before = owner.log_in()["device_token"], sessions(app)
    marks = {"forged": "A" * len(mine), "cut": theirs[:-1], "device": mine, "trust": theirs}
    ways: dict[str, dict[str, Any]] = {
        "address": {"name": "ada@example.com"},
        "email": {"name": "", "email": "ada@example.com"},
        "cookie": {"token_delivery": "cookie", "headers": SAME},
        "fields": {"code": owner.phone.next_code(), "trust_device": True, "amr": "mfa"},
    }
    ways |= {name: {"headers": {"X-Device-Token": mark}} for name, mark in marks.items()}
    asked = login(app.test_client(), **ways.get(how, {}))
    assert said(asked) == ASKED
    opens_nothing(asked)
    assert sessions(app) == before


@pytest.mark.parametrize("column", ["disabled_at", "deletion_due_at", "password_blocked_at"])
def test_challenge_is_refused_after_the_account_was_closed(app: Flask, owner: Owner, column: str) -> None:
    """The row is changed directly, so that the challenge itself stays valid."""
    challenge, before = owner.challenge(), sessions(app)
    execute(app, f"UPDATE users SET {column} = created_at")
    assert said(owner.second_step(challenge, code=owner.phone.next_code())) == OVER
    assert said(owner.second_step(challenge, recovery_code=owner.recovery_codes[0])) == OVER
    assert sessions(app) == before


# Mailed links are not a second factor


def verification(app: Flask, owner: Owner) -> tuple[str, str]:
    execute(app, "UPDATE users SET email_verified_at = NULL")
    assert post(owner.client, "email/resend", email="ada@example.com").status_code == 202
    return "email/verify", mailbox.token(app, "verify_email")


def reset(app: Flask, owner: Owner) -> tuple[str, str]:
    return "password/reset", forget(app)


def move(app: Flask, owner: Owner) -> tuple[str, str]:
    assert post(owner.client, "email/change", owner.access, email="new@example.com").status_code == 202
    return "email/verify", mailbox.token(app, "change_email")


def undoing(app: Flask, owner: Owner) -> tuple[str, str]:
    assert moved(app, owner.access).status_code == 200
    return "email/change/undo", mailbox.token(app, "email_changed")


def disowning(app: Flask, owner: Owner) -> tuple[str, str]:
    owner.log_in()
    return "sessions/disown", mailbox.token(app, "new_sign_in")


def restoring(app: Flask, owner: Owner) -> tuple[str, str]:
    assert owner.client.delete("/auth/me", headers=bearer(owner.access)).status_code == 202
    return "me/restore", mailbox.token(app, "deletion_requested")


@pytest.mark.parametrize("link", [verification, reset, move, undoing, disowning, restoring])
def test_mailed_link_is_no_factor_creates_no_session_and_keeps_factors(
    app: Flask, owner: Owner, clock: FixedClock, link: Callable[[Flask, Owner], tuple[str, str]]
) -> None:
    added(owner.client, owner.access)
    clock.advance(8 * DAY)  # a newer factor may be an intruder's
    owner.access = owner.log_in()["access_token"]
    path, token = link(app, owner)
    if link is not restoring:
        for given in ({"code": token}, {"recovery_code": token}, {"code": token[:6]}):
            assert said(owner.second_step(**given))[0] in {400, 401}
        assert said(owner.second_step(token, code=owner.phone.next_code())) == OVER
    before, password = sessions(app), NEW if link is reset else PASSWORD
    used = post(app.test_client(), path, token=token, password=password)
    assert used.status_code == 200
    opens_nothing(used)
    if link in {undoing, disowning}:
        blocked, password = mailbox.token(app, "password_blocked"), NEW
        used = post(app.test_client(), "password/reset", token=blocked, password=password)
        opens_nothing(used)
    asked = login(app.test_client(), password=password)
    assert said(asked) == ASKED
    assert asked.get_json()["methods"] == ["totp", "passkey", "recovery_code"]
    assert sessions(app) == before


# What each value is accepted as


def test_value_of_the_wrong_kind_is_refused(owner: Owner) -> None:
    code, spare = owner.phone.next_code(), owner.recovery_codes[0]
    for given in ({"recovery_code": code}, {"code": spare}, {"code": PASSWORD}):
        assert said(owner.second_step(**given)) == INVALID
    for given in ({"code": spare}, {"code": spare.replace("-", "")}):
        assert said(post(owner.client, "reauth", owner.access, **given)) == WRONG
    both = {"code": code, "recovery_code": "wrong"}
    assert said(owner.second_step(**both)) == INVALID
    assert me(owner.client, owner.access).get_json()["recovery_codes_left"] == 10


CodeUse = Callable[[Owner, str], TestResponse]
CODE_USES: dict[str, CodeUse] = {
    "second step": lambda owner, code: owner.second_step(code=code),
    "reauth": Owner.reauthenticate,
    "recovery codes": lambda owner, code: post(owner.client, "recovery-codes", owner.access, code=code),
    "removal": lambda owner, code: owner.remove(code=code),
}


@pytest.mark.parametrize("first", ["second step", "reauth", "recovery codes"])
def test_used_totp_code_is_refused_everywhere(owner: Owner, first: str) -> None:
    code = owner.phone.next_code()
    spaced = f"{code[:3]} {code[3:]}"
    assert CODE_USES[first](owner, spaced).status_code == 200
    for code_use in CODE_USES.values():
        assert said(code_use(owner, code)) in {INVALID, WRONG}
        assert said(code_use(owner, spaced)) in {INVALID, WRONG}
    assert said(owner.remove(code=owner.phone.next_code())) == (200, "")


@pytest.mark.parametrize("limited", ["true", "false"], ids=["limits on", "limits off"])
def test_concurrent_guesses_on_every_route_stay_within_the_code_limit(
    make_app: AppFactory, clock: FixedClock, limited: str
) -> None:
    owner = Owner(make_app().test_client(), clock)
    added(owner.client, owner.access)
    clock.advance(1)
    challenges, wrong = [owner.challenge() for _ in range(10)], owner.phone.wrong_code()
    app = make_app({"RATE_LIMIT_ENABLED": limited})
    guesses = ({"code": wrong}, {"recovery_code": wrong}, {"passkey": {"id": "AAAA"}})

    def guess(number: int) -> tuple[int, str]:
        client = app.test_client()
        client.environ_base.pop("REMOTE_ADDR")
        if number % 5 == 3:
            return said(post(client, "reauth", owner.access, code=wrong))
        if number % 5 == 4:
            headers = bearer(owner.access)
            return said(client.delete("/auth/totp", json={"code": wrong}, headers=headers))
        given = guesses[number % 5]
        return said(post(client, "login/second-factor", challenge_token=challenges[number // 5], **given))

    answers = at_once([partial(guess, number) for number in range(50)])
    tried = [answer for answer in answers if answer in {INVALID, WRONG}]
    assert len(tried) == events(app).count("second_factor_refused") <= MAX_TRIES
    assert limited == "true" or len(tried) == MAX_TRIES
    assert set(answers) - {INVALID, WRONG} == {(429, "rate_limited")}


# Ownership


def test_second_step_account_comes_from_the_challenge_only(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    grace = Owner(app.test_client(), clock, "grace")
    named: dict[str, Any] = {"user_id": 1, "id": 1, "sub": "1", "username": "ada", "email": "ada@example.com"}
    done = grace.second_step(code=grace.phone.next_code(), **named)
    assert done.get_json()["user"]["username"] == "grace"
    assert me(grace.client, done.get_json()["access_token"]).get_json()["user"]["username"] == "grace"
    stolen = owner.challenge()
    assert said(grace.second_step(stolen, code=grace.phone.next_code(), username="grace")) == INVALID


def test_passkeys_of_other_accounts_are_neither_listed_nor_accepted(app: Flask, client: FlaskClient) -> None:
    mine, theirs = signed_in(client)["access_token"], signed_in(client, "grace")["access_token"]
    passkey, other = added(client, mine), added(client, theirs)
    for access, own in ((mine, passkey), (theirs, other)):
        options = post(client, "reauth/options", access).get_json()["public_key"]
        assert [each["id"] for each in options["allowCredentials"]] == [b64(own.credential_id)]
        creation = post(client, "passkeys/options", access).get_json()["public_key"]
        assert [each["id"] for each in creation["excludeCredentials"]] == [b64(own.credential_id)]
    assert "allowCredentials" not in options_of(client) or not options_of(client)["allowCredentials"]
    options = post(client, "reauth/options", mine).get_json()["public_key"]
    assert said(post(client, "reauth", mine, passkey=other.get(options))) == WRONG
    asked = login(client).get_json()
    proof = other.get(asked["passkey_options"])
    answer = post(client, "login/second-factor", challenge_token=asked["challenge_token"], passkey=proof)
    assert said(answer) == INVALID


# Malformed input


ODD = [
    123456, 1.5, True, ["123456"], {"$ne": ""}, "1" * 65, "1" * 100_000, "\u0661" * 6, "\uff11" * 6,
    "\U0001d7ce" * 6, "\ud800", "\0", "%s", "\u3000", "1e5", "+12345", "0x1234",
]  # fmt: skip


@pytest.mark.parametrize("field", ["code", "recovery_code", "passkey", "challenge_token"])
def test_malformed_values_are_refused_without_a_server_error(
    app: Flask, owner: Owner, clock: FixedClock, field: str
) -> None:
    before = sessions(app)
    for number, odd in enumerate(ODD):
        if number % 8 == 0:
            clock.advance(HOUR)  # a new limit window
        body: dict[str, Any] = {"challenge_token": owner.challenge(), field: odd}
        if field == "challenge_token":
            body["code"] = owner.phone.next_code()
        assert post(owner.client, "login/second-factor", **body).status_code in {400, 401, 413}, odd
    assert sessions(app) == before


@pytest.mark.parametrize("digits", ["\u0660", "\uff10", "\U0001d7ce"], ids=["arabic", "full-width", "bold"])
def test_code_in_non_ascii_digits_is_refused(owner: Owner, digits: str) -> None:
    code = owner.phone.next_code()
    other = "".join(chr(ord(digits) + int(digit)) for digit in code)
    assert said(owner.second_step(code=other)) == INVALID
    assert owner.second_step(code=code).status_code == 200

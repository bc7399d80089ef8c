"""The second step of a login: accepted factors, challenges, and the limit on attempts."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask

from auth.factors.verification import MAX_TRIES, TRIES_WINDOW
from auth.login.pending import LIFETIME, MAX_LIVE
from tests.support import mailbox
from tests.support.authenticator_app import Owner
from tests.support.requests import NEW, disable, enable, everything, forget, post, said
from tests.support.service import PASSWORD, FixedClock, at_once, bearer, events, login, me, refresh, rows

INVALID = (401, "second_factor_invalid")
OVER = (401, "challenge_invalid")
ASKED = (401, "second_factor_required")
LIMITED = (429, "rate_limited")
Step = Callable[[], tuple[int, str]]


def amr(app: Flask) -> str:
    return str(rows(app, "SELECT amr FROM sessions ORDER BY auth_time DESC, created_at DESC")[0]["amr"])


def step(app: Flask, challenge: str, **given: Any) -> tuple[int, str]:
    body = {"challenge_token": challenge} | given
    return said(app.test_client().post("/auth/login/second-factor", json=body))


def test_correct_password_returns_only_a_challenge(app: Flask, owner: Owner) -> None:
    before = rows(app, "SELECT count(*) AS n FROM sessions")
    asked = login(owner.client)
    assert said(asked) == ASKED
    assert asked.headers["WWW-Authenticate"] == "Bearer"
    assert sorted(asked.get_json()) == [
        "challenge_token", "code", "expires_in", "message", "methods", "request_id",
    ]  # fmt: skip
    assert asked.get_json()["methods"] == ["totp", "recovery_code"]
    assert asked.get_json()["expires_in"] == 300
    assert "Set-Cookie" not in asked.headers
    assert rows(app, "SELECT count(*) AS n FROM sessions") == before
    assert events(app)[-1] == "second_factor_asked"


def test_wrong_password_does_not_reveal_a_second_factor(owner: Owner) -> None:
    wrong, unknown = login(owner.client, password="wrong"), login(owner.client, "unknown", "wrong")
    assert said(wrong) == said(unknown) == (401, "invalid_credentials")
    assert wrong.get_json().keys() == unknown.get_json().keys()


def test_totp_code_completes_login(app: Flask, owner: Owner, clock: FixedClock) -> None:
    clock.advance(1)
    done = owner.log_in()
    assert sorted(done) == [
        "access_token", "device_token", "expires_in", "message", "refresh_token", "token_type", "user",
    ]  # fmt: skip
    assert me(owner.client, done["access_token"]).status_code == 200
    assert refresh(owner.client, done["refresh_token"]).status_code == 200
    assert amr(app) == "pwd otp mfa"
    assert events(app)[-3:] == ["second_factor_asked", "signed_in_with_code", "session_refreshed"]


def test_remember_of_the_first_step_applies_to_the_session(app: Flask, owner: Owner) -> None:
    owner.log_in(remember=True)
    assert rows(app, "SELECT remembered FROM sessions ORDER BY created_at DESC")[0]["remembered"]
    owner.log_in()
    assert not rows(app, "SELECT remembered FROM sessions ORDER BY created_at DESC")[0]["remembered"]


def test_recovery_code_completes_login_once_and_is_mailed(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    clock.advance(1)
    code = owner.recovery_codes[0]
    written = code.replace("-", " ").upper()
    done = owner.second_step(recovery_code=written)
    assert done.status_code == 200
    assert me(owner.client, done.get_json()["access_token"]).get_json()["recovery_codes_left"] == 9
    assert amr(app) == "pwd recovery mfa"
    assert events(app)[-1] == "signed_in_with_recovery_code"
    assert "Recovery codes left: 9." in mailbox.text_of(mailbox.newest(app, "recovery_code_used"))
    assert said(owner.second_step(recovery_code=code)) == INVALID


def test_recovery_codes_are_ten_of_120_random_bits_and_are_not_stored(app: Flask, owner: Owner) -> None:
    assert len(set(owner.recovery_codes)) == 10
    assert {len(code.replace("-", "")) for code in owner.recovery_codes} == {24}  # of 5 bits each
    stored = str(rows(app, "SELECT * FROM recovery_codes"))
    assert not any(code in stored or code.replace("-", "") in stored for code in owner.recovery_codes)


def test_concurrent_use_of_one_recovery_code_succeeds_once(app: Flask, owner: Owner) -> None:
    challenges, code = [owner.challenge() for _ in range(6)], owner.recovery_codes[0]
    calls: list[Step] = [partial(step, app, each, recovery_code=code) for each in challenges]
    assert sorted(at_once(calls)) == [(200, "")] + [INVALID] * 5
    assert rows(app, "SELECT recovery_codes_left AS n FROM users")[0]["n"] == 9


def test_codes_of_another_account_are_refused(app: Flask, owner: Owner, clock: FixedClock) -> None:
    other = Owner(app.test_client(), clock, "grace")
    assert said(owner.second_step(code=other.phone.next_code())) == INVALID
    assert said(owner.second_step(recovery_code=other.recovery_codes[0])) == INVALID
    assert other.second_step(recovery_code=other.recovery_codes[0]).status_code == 200


def test_challenge_token_is_refused_everywhere_else(app: Flask, owner: Owner) -> None:
    challenge = owner.challenge()
    client, before = app.test_client(), everything(app, "audit_events")
    for method, path in [("GET", "me"), ("GET", "sessions"), ("GET", "verify"), ("DELETE", "me")]:
        answer = client.open(f"/auth/{path}", method=method, headers=bearer(challenge))
        assert answer.status_code == 401
    assert refresh(client, challenge).status_code == 401
    for path in ("email/verify", "password/reset", "sessions/disown", "me/restore"):
        assert post(client, path, token=challenge, password=NEW).status_code in {400, 404}
    assert everything(app, "audit_events") == before


@pytest.mark.parametrize("kind", ["access_token", "refresh_token", "device_token"])
def test_other_tokens_are_refused_as_challenge(owner: Owner, kind: str) -> None:
    done = owner.log_in()
    assert said(owner.second_step(done[kind], code=owner.phone.next_code())) == OVER


@pytest.mark.parametrize("forged", ["", "x", "A" * 64, "\u00e9" * 64, "AA=" * 20])
def test_malformed_challenge_is_refused(app: Flask, owner: Owner, forged: str) -> None:
    assert step(app, forged, code=owner.phone.next_code()) == OVER


def test_challenge_expires_after_five_minutes(owner: Owner, clock: FixedClock) -> None:
    accepted, expired = owner.challenge(), owner.challenge()
    clock.advance(LIFETIME.total_seconds() - 1)
    assert owner.second_step(accepted, code=owner.phone.code()).status_code == 200
    clock.advance(1)
    assert said(owner.second_step(expired, code=owner.phone.next_code())) == (401, "challenge_expired")


def test_a_challenge_is_used_once(owner: Owner) -> None:
    challenge = owner.challenge()
    assert owner.second_step(challenge, code=owner.phone.next_code()).status_code == 200
    assert said(owner.second_step(challenge, code=owner.phone.next_code())) == OVER


def test_wrong_code_does_not_consume_the_challenge(owner: Owner) -> None:
    challenge = owner.challenge()
    assert said(owner.second_step(challenge, code=owner.phone.wrong_code())) == INVALID
    assert owner.second_step(challenge, code=owner.phone.next_code()).status_code == 200


def test_concurrent_use_of_one_challenge_creates_one_session(app: Flask, owner: Owner) -> None:
    challenge, codes = owner.challenge(), owner.recovery_codes
    calls: list[Step] = [partial(step, app, challenge, recovery_code=code) for code in codes[:6]]
    assert sorted(at_once(calls)) == [(200, "")] + [OVER] * 5
    assert rows(app, "SELECT recovery_codes_left AS n FROM users")[0]["n"] == 9


def test_new_challenge_replaces_the_oldest_above_the_limit(owner: Owner, clock: FixedClock) -> None:
    challenges = []
    for _ in range(MAX_LIVE + 1):
        challenges.append(owner.challenge())
        clock.advance(1)
    oldest, *others = challenges
    assert said(owner.second_step(oldest, code=owner.phone.next_code())) == OVER
    assert owner.second_step(others[0], code=owner.phone.next_code()).status_code == 200


@pytest.mark.parametrize("change", ["reset", "change", "disable", "remove"])
def test_challenge_is_void_after_password_account_or_factor_change(
    app: Flask, owner: Owner, change: str
) -> None:
    challenge = owner.challenge()
    if change == "reset":
        post(app.test_client(), "password/reset", token=forget(app), password=NEW)
    elif change == "change":
        body = {"current_password": PASSWORD, "new_password": NEW}
        assert post(owner.client, "password/change", owner.access, **body).status_code == 200
    elif change == "disable":
        disable(app)
        enable(app)
    else:
        assert owner.remove(recovery_code=owner.recovery_codes[0]).status_code == 200
    assert said(owner.second_step(challenge, code=owner.phone.next_code())) == OVER


@pytest.mark.parametrize("given", [{}, {"code": ""}, {"code": None, "recovery_code": None}])
def test_second_step_without_a_factor_is_a_400(owner: Owner, given: dict[str, Any]) -> None:
    assert said(owner.second_step(**given)) == (400, "missing_fields")


def test_ten_wrong_codes_close_the_second_step_for_fifteen_minutes(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    for number in range(MAX_TRIES):
        given = {"code": owner.phone.wrong_code()} if number % 2 else {"recovery_code": "wrong"}
        assert said(owner.second_step(**given)) == INVALID
    refused = owner.second_step(code=owner.phone.next_code())
    assert said(refused) == LIMITED
    assert 0 < int(refused.headers["Retry-After"]) <= TRIES_WINDOW.total_seconds()
    assert said(owner.second_step(recovery_code=owner.recovery_codes[0])) == LIMITED
    assert "Ten wrong codes" in mailbox.text_of(mailbox.newest(app, "second_factor_guessing"))
    clock.advance(TRIES_WINDOW.total_seconds())
    assert owner.second_step(code=owner.phone.next_code()).status_code == 200


def test_code_attempts_are_shared_with_step_up_and_factor_changes(app: Flask, owner: Owner) -> None:
    wrong = owner.phone.wrong_code()
    for _ in range(4):
        assert said(owner.second_step(code=wrong)) == INVALID
        assert said(post(owner.client, "reauth", owner.access, code=wrong)) == (403, "wrong_code")
    assert said(owner.remove(code=wrong)) == (403, "wrong_code")
    assert said(post(owner.client, "recovery-codes", owner.access, code=wrong)) == (403, "wrong_code")
    for answer in (
        owner.second_step(code=owner.phone.next_code()),
        post(owner.client, "reauth", owner.access, code=owner.phone.code()),
        owner.remove(code=owner.phone.code()),
    ):
        assert said(answer) == LIMITED


def test_correct_codes_use_up_no_attempts(owner: Owner) -> None:
    for _ in range(MAX_TRIES + 2):
        owner.log_in()


def test_new_challenge_or_login_does_not_reset_code_attempts(owner: Owner) -> None:
    for _ in range(MAX_TRIES - 1):
        assert said(owner.second_step(code=owner.phone.wrong_code())) == INVALID
    owner.log_in()
    assert said(owner.second_step(code=owner.phone.wrong_code())) == INVALID
    assert said(owner.second_step(code=owner.phone.wrong_code())) == LIMITED


def test_concurrent_wrong_codes_never_exceed_the_limit(app: Flask, owner: Owner) -> None:
    challenges, wrong = [owner.challenge() for _ in range(MAX_LIVE)], owner.phone.wrong_code()
    calls: list[Step] = [partial(step, app, challenges[n % len(challenges)], code=wrong) for n in range(50)]
    answers = at_once(calls)
    assert sorted(answers) == [INVALID] * MAX_TRIES + [LIMITED] * (50 - MAX_TRIES)
    assert len([event for event in events(app) if event == "second_factor_refused"]) == MAX_TRIES


def test_wrong_codes_are_mailed_to_the_owner_once_a_day(app: Flask, owner: Owner, clock: FixedClock) -> None:
    for _ in range(3):
        for _ in range(MAX_TRIES):
            owner.second_step(code=owner.phone.wrong_code())
        clock.advance(TRIES_WINDOW.total_seconds())
    assert len(mailbox.mails(app, "second_factor_guessing")) == 1

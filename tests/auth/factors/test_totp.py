"""TOTP: RFC 4226 and RFC 6238 vectors, enrollment, and one use of each code."""

import base64
import re
import subprocess
from datetime import UTC, datetime
from functools import partial
from xml.etree import ElementTree as ET

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pyotp import HOTP, TOTP

from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.authenticator_app import STEP, Authenticator, Owner
from tests.support.requests import HOUR, MINUTE, confirmed, post, said
from tests.support.service import FixedClock, at_once, events, login, me, register, rows, signed_in
from utils.crypto import totp as totp_codes

RFC_SECRET = b"12345678901234567890"
INVALID = (401, "second_factor_invalid")


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


# RFC 4226, Appendix D; RFC 6238, Appendix B, whose codes of eight digits end in those of six.
def test_rfc_4226_vectors() -> None:
    codes = "755224 287082 359152 969429 338314 254676 287922 162583 399871 520489".split()
    for step, code in enumerate(codes):
        assert totp_codes.matching_step(RFC_SECRET, code, at(step * STEP), previous=0) == step
    assert [HOTP(totp_codes.in_base32(RFC_SECRET)).at(step) for step in range(10)] == codes


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "94287082"),
        (1111111109, "07081804"),
        (1111111111, "14050471"),
        (1234567890, "89005924"),
        (2000000000, "69279037"),
        (20000000000, "65353130"),
    ],
)
def test_rfc_6238_vectors(seconds: int, code: str) -> None:
    assert totp_codes.matching_step(RFC_SECRET, code[2:], at(seconds), previous=0) == seconds // STEP


@pytest.mark.parametrize(
    "code", ["", " ", "28708", "2870822", "\uff12\uff18\uff17\uff10\uff18\uff12", "-87082", "287o82"]
)
def test_malformed_totp_code_matches_no_step(code: str) -> None:
    assert totp_codes.matching_step(RFC_SECRET, code, at(59), previous=1) is None


def test_totp_code_of_current_or_previous_step_only_is_accepted() -> None:
    generator = TOTP(totp_codes.in_base32(RFC_SECRET))
    now = 1_700_000_000
    for offset in range(-3, 4):
        code = generator.at(now, counter_offset=offset)
        found = totp_codes.matching_step(RFC_SECRET, code, at(now), previous=1)
        assert found == (now // STEP + offset if offset in {-1, 0} else None)
    before = generator.at(now, counter_offset=-1)
    assert totp_codes.matching_step(RFC_SECRET, before, at(now), previous=0) is None


def test_totp_enrollment_returns_secret_uri_and_qr_code(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    begun = post(client, "totp", access).get_json()
    assert len(base64.b32decode(begun["secret"])) == 20
    assert begun["otpauth_uri"].startswith("otpauth://totp/AxiomTech:ada%40example.com?secret=")
    assert begun["secret"] in begun["otpauth_uri"]
    picture = ET.fromstring(begun["qr_svg"])
    assert picture.tag.endswith("svg")
    assert not re.search(r"style|script|class|href", begun["qr_svg"])


def test_unconfirmed_totp_is_not_required_at_login(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    post(client, "totp", access)
    assert login(client).status_code == 200
    assert me(client, access).get_json()["user"]["two_factor_enabled"] is False


def test_correct_code_enables_totp(app: Flask, owner: Owner) -> None:
    told = me(owner.client, owner.access).get_json()
    assert told["user"]["two_factor_enabled"] is True
    assert told["recovery_codes_left"] == 10
    assert events(app)[-2:] == ["totp_begun", "totp_enabled"]
    assert mailbox.sent(app)[-1] == ("two_factor_enabled", "ada@example.com")


def test_wrong_code_does_not_enable_totp(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    assert said(post(client, "totp/confirm", access, code=phone.wrong_code())) == (403, "wrong_code")
    assert login(client).status_code == 200
    assert rows(app, "SELECT confirmed_at, last_step FROM totp_factors") == [
        {"confirmed_at": None, "last_step": 0}
    ]
    assert said(post(client, "totp/confirm", access, code=phone.code())) == (200, "")


def test_unconfirmed_totp_secret_expires_after_an_hour(client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    clock.advance(HOUR + 1)
    access = login(client).get_json()["access_token"]
    assert said(post(client, "totp/confirm", access, code=phone.code())) == (409, "totp_not_begun")


def test_second_totp_secret_replaces_an_unconfirmed_one(client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    first, second = (
        Authenticator(post(client, "totp", access).get_json()["secret"], clock) for _ in range(2)
    )
    assert said(post(client, "totp/confirm", access, code=first.code())) == (403, "wrong_code")
    assert said(post(client, "totp/confirm", access, code=second.code())) == (200, "")


def test_enrolled_totp_cannot_be_enrolled_again(owner: Owner) -> None:
    assert said(post(owner.client, "totp", owner.access)) == (409, "totp_enabled")
    again = post(owner.client, "totp/confirm", owner.access, code=owner.phone.next_code())
    assert said(again) == (409, "totp_enabled")


def test_totp_confirmation_without_enrollment_is_a_409(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert said(post(client, "totp/confirm", access, code="123456")) == (409, "totp_not_begun")


@pytest.mark.parametrize("path", ["totp", "totp/confirm", "recovery-codes"])
def test_factor_change_requires_login_within_ten_minutes(owner: Owner, clock: FixedClock, path: str) -> None:
    clock.advance(10 * MINUTE)
    assert said(post(owner.client, path, owner.access, code=owner.phone.code())) == (403, "reauth_required")
    assert said(owner.remove(code=owner.phone.code())) == (403, "reauth_required")


def test_enabling_totp_ends_other_sessions_unless_declined(client: FlaskClient, clock: FixedClock) -> None:
    other, access = signed_in(client)["access_token"], login(client).get_json()["access_token"]
    phone = Authenticator(post(client, "totp", access).get_json()["secret"], clock)
    post(client, "totp/confirm", access, code=phone.code(), end_other_sessions=False)
    assert me(client, other).status_code == 200
    third = Owner(client, clock, "grace")
    fourth = third.log_in()["access_token"]
    third.remove(fourth, code=third.phone.next_code())
    phone = Authenticator(post(client, "totp", fourth).get_json()["secret"], clock)
    assert post(client, "totp/confirm", fourth, code=phone.code()).status_code == 200
    assert me(client, third.access).status_code == 401
    assert me(client, fourth).status_code == 200


def test_enrollment_code_is_refused_at_login(owner: Owner) -> None:
    assert said(owner.second_step(code=owner.phone.code())) == INVALID


def test_totp_code_is_accepted_once_in_any_spelling(owner: Owner) -> None:
    code = owner.phone.next_code()
    assert owner.second_step(code=f" {code[:3]} {code[3:]} ").status_code == 200
    assert said(owner.second_step(code=code)) == INVALID
    assert said(owner.second_step(code=f"{code[:3]} {code[3:]}")) == INVALID


def test_earlier_totp_code_is_refused_after_a_later_one(owner: Owner, clock: FixedClock) -> None:
    earlier = owner.phone.next_code()
    assert owner.second_step(code=owner.phone.next_code()).status_code == 200
    assert said(owner.second_step(code=earlier)) == INVALID


def test_previous_step_is_accepted_according_to_totp_previous_steps(
    make_app: AppFactory, clock: FixedClock
) -> None:
    for setting, expected in (("1", 200), ("0", 401)):
        owner = Owner(make_app({"TOTP_PREVIOUS_STEPS": setting}).test_client(), clock, f"user{setting}")
        code = owner.phone.next_code()
        clock.advance(STEP)
        assert owner.second_step(code=code).status_code == expected


def test_concurrent_use_of_one_totp_code_creates_one_session(app: Flask, owner: Owner) -> None:
    challenges = [owner.challenge() for _ in range(6)]
    code = owner.phone.next_code()

    def step(challenge: str) -> int:
        body = {"challenge_token": challenge, "code": code}
        return app.test_client().post("/auth/login/second-factor", json=body).status_code

    answers = at_once([partial(step, challenge) for challenge in challenges])
    assert sorted(answers) == [200] + [401] * 5
    assert events(app).count("signed_in_with_code") == 1


@pytest.mark.slow
def test_codes_of_oathtool_are_accepted(client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    secret = post(client, "totp", access).get_json()["secret"]
    command = ["oathtool", "--totp", "--base32", secret, "--now", f"{clock.now():%Y-%m-%d %H:%M:%S} UTC"]
    code = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    assert said(post(client, "totp/confirm", access, code=code)) == (200, "")


def test_client_supplied_time_is_ignored(owner: Owner) -> None:
    ahead = owner.phone.code(10)
    later = "Sun, 01 Mar 2026 12:05:00 GMT"
    refused = owner.second_step(code=ahead, time=1772366700, headers={"Date": later})
    assert said(refused) == INVALID


def test_two_factor_enabled_is_reported_for_each_account(app: Flask, clock: FixedClock) -> None:
    confirmed(app)
    assert Owner(app.test_client(), clock).log_in()["user"]["two_factor_enabled"] is True
    assert register(app.test_client(), "bob").get_json()["user"]["two_factor_enabled"] is False

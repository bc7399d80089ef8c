"""Second factors: trusted devices, attempted bypasses, and the challenge cookie."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.login.second_step import TRUSTED_FOR
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.authenticator_app import Authenticator, Owner, trusted
from tests.support.passkeys import added
from tests.support.requests import DAY, MINUTE, NEW, forget, post, prune, said
from tests.support.service import PASSWORD, FixedClock, Interrupted, bearer, login, register, rows, signed_in

INVALID = (401, "second_factor_invalid")
ASKED = (401, "second_factor_required")
FACTORS = ("totp_factors", "passkeys", "recovery_codes")


def test_trusted_device_skips_the_second_factor_for_thirty_days(
    app: Flask, owner: Owner, clock: FixedClock
) -> None:
    mark = trusted(owner, clock)
    assert login(owner.client, headers=mark).status_code == 200
    assert rows(app, "SELECT amr FROM sessions ORDER BY auth_time DESC")[0]["amr"] == "pwd"
    assert said(login(owner.client, headers=mark, password="wrong")) == (401, "invalid_credentials")
    assert said(login(owner.client)) == ASKED
    clock.advance(TRUSTED_FOR.total_seconds())
    assert said(login(owner.client, headers=mark)) == ASKED


def test_known_device_is_not_trusted_by_default(owner: Owner) -> None:
    mark = {"X-Device-Token": owner.log_in()["device_token"]}
    assert said(login(owner.client, headers=mark)) == ASKED


def test_device_trust_applies_to_one_account(app: Flask, owner: Owner, clock: FixedClock) -> None:
    mark = trusted(owner, clock)
    other = Owner(app.test_client(), clock, "grace")
    assert said(login(other.client, "grace", headers=mark)) == ASKED
    # The browser is now known to both accounts, and still trusted by one.
    assert other.second_step(code=other.phone.next_code(), headers=mark).status_code == 200
    assert said(login(other.client, "grace", headers=mark)) == ASKED
    assert login(owner.client, headers=mark).status_code == 200


@pytest.mark.parametrize("change", ["reset", "disown", "factors"])
def test_device_trust_ends_after_reset_disown_or_factor_change(
    app: Flask, owner: Owner, clock: FixedClock, change: str
) -> None:
    mark, password = trusted(owner, clock), PASSWORD
    if change in {"reset", "disown"}:
        if change == "disown":
            link = mailbox.tokens(app, "new_sign_in")[-1]
            assert post(app.test_client(), "sessions/disown", token=link).status_code == 200
        password = NEW
        assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200
    else:
        access = owner.log_in()["access_token"]
        assert owner.remove(access, code=owner.phone.next_code()).status_code == 200
        again = post(owner.client, "totp", access).get_json()["secret"]
        owner.phone = Authenticator(again, clock)
        assert post(owner.client, "totp/confirm", access, code=owner.phone.code()).status_code == 200
    assert said(login(owner.client, password=password, headers=mark)) == ASKED


def test_device_trust_by_recovery_code_ends_with_a_factor_change(app: Flask, owner: Owner) -> None:
    done = owner.second_step(recovery_code=owner.recovery_codes[0], trust_device=True).get_json()
    mark = {"X-Device-Token": done["device_token"]}
    assert login(owner.client, headers=mark).status_code == 200
    added(owner.client, done["access_token"])
    assert said(login(owner.client, headers=mark)) == ASKED


@pytest.mark.parametrize("change", ["added", "removed"])
def test_challenge_is_void_after_a_passkey_change(owner: Owner, change: str) -> None:
    passkey = added(owner.client, owner.access)
    (only,) = owner.client.get("/auth/passkeys", headers=bearer(owner.access)).get_json()["passkeys"]
    asked = login(owner.client).get_json()
    if change == "added":
        added(owner.client, owner.access)
    else:
        path = f"/auth/passkeys/{only['id']}"
        assert owner.client.delete(path, headers=bearer(owner.access)).status_code == 204
    challenge = asked["challenge_token"]
    for given in ({"code": owner.phone.next_code()}, {"passkey": passkey.get(asked["passkey_options"])}):
        assert said(owner.second_step(challenge, **given)) == (401, "challenge_invalid")


def test_password_reset_keeps_the_second_factor(app: Flask, owner: Owner) -> None:
    assert post(app.test_client(), "password/reset", token=forget(app), password=NEW).status_code == 200
    assert said(login(owner.client, password=NEW)) == ASKED
    assert rows(app, "SELECT recovery_codes_left AS n FROM users")[0]["n"] == 10


def test_disown_keeps_a_factor_older_than_the_login(app: Flask, owner: Owner, clock: FixedClock) -> None:
    clock.advance(8 * DAY)
    owner.log_in()
    link = mailbox.token(app, "new_sign_in")
    assert post(app.test_client(), "sessions/disown", token=link).status_code == 200
    token = mailbox.token(app, "password_blocked")
    assert post(app.test_client(), "password/reset", token=token, password=NEW).status_code == 200
    assert said(login(owner.client, password=NEW)) == ASKED


def test_removing_totp_requires_a_code(app: Flask, owner: Owner) -> None:
    assert said(owner.remove(password=PASSWORD)) == (400, "missing_fields")
    assert said(owner.remove(code=owner.phone.wrong_code())) == (403, "wrong_code")
    assert said(login(owner.client)) == ASKED
    assert said(owner.remove(code=owner.phone.next_code())) == (200, "")
    assert login(owner.client).status_code == 200
    assert rows(app, "SELECT * FROM totp_factors") == rows(app, "SELECT * FROM recovery_codes") == []
    assert mailbox.newest(app, "two_factor_disabled")


def test_removing_totp_twice_is_a_409(owner: Owner) -> None:
    assert said(owner.remove(recovery_code=owner.recovery_codes[0])) == (200, "")
    assert said(owner.remove(recovery_code=owner.recovery_codes[1])) == (409, "two_factor_off")


def test_new_recovery_codes_require_a_code_and_void_the_old_ones(app: Flask, owner: Owner) -> None:
    assert said(post(owner.client, "recovery-codes", owner.access, password=PASSWORD))[0] == 400
    made = post(owner.client, "recovery-codes", owner.access, code=owner.phone.next_code())
    fresh = made.get_json()["recovery_codes"]
    assert len({*fresh, *owner.recovery_codes}) == 20
    assert said(owner.second_step(recovery_code=owner.recovery_codes[0])) == INVALID
    assert owner.second_step(recovery_code=fresh[0]).status_code == 200
    assert mailbox.newest(app, "recovery_codes_replaced")


def test_recovery_codes_are_for_accounts_with_a_second_factor(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert said(post(client, "recovery-codes", access, code="123456")) == (409, "two_factor_off")


def test_step_up_takes_a_code_once_and_no_recovery_code(owner: Owner, clock: FixedClock) -> None:
    clock.advance(11 * MINUTE)
    refused = post(owner.client, "recovery-codes", owner.access, code="1")
    assert said(refused) == (403, "reauth_required")
    code = owner.phone.next_code()
    assert said(post(owner.client, "reauth", owner.access, recovery_code=owner.recovery_codes[0]))[0] == 400
    assert said(owner.reauthenticate(code)) == (200, "")
    assert said(post(owner.client, "reauth", owner.access, code=code)) == (403, "wrong_code")
    assert said(owner.remove(code=owner.phone.next_code())) == (200, "")


def test_step_up_by_code_is_for_accounts_with_a_second_factor(client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    assert said(post(client, "reauth", access, code="123456")) == (409, "two_factor_off")


def test_login_is_refused_if_totp_is_enabled_during_hashing(make_app: AppFactory, clock: FixedClock) -> None:

    hasher = Interrupted()
    app = make_app(hasher=hasher)
    client = app.test_client()
    register(client)
    hasher.meanwhile = lambda: Owner(app.test_client(), clock)
    assert said(login(client)) == (401, "invalid_credentials")
    assert said(login(client)) == ASKED


def test_challenge_is_a_cookie_with_cookie_delivery(app: Flask, owner: Owner) -> None:
    client, same = app.test_client(), {"Sec-Fetch-Site": "same-origin"}
    asked = login(client, token_delivery="cookie", headers=same)
    assert said(asked) == ASKED
    assert "challenge_token" not in asked.get_json()
    (cookie,) = asked.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-challenge=")
    for attribute in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=300"):
        assert attribute in cookie
    path, body = "/auth/login/second-factor", {"code": owner.phone.next_code()}
    from_elsewhere = client.post(path, json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert said(from_elsewhere) == (403, "cross_site_refused")
    done = client.post(path, json=body, headers=same)
    assert done.status_code == 200
    assert "refresh_token" not in done.get_json()
    assert "device_token" not in done.get_json()
    set_cookies = " ".join(done.headers.getlist("Set-Cookie"))
    assert "__Host-refresh=" in set_cookies
    assert "__Host-device=" in set_cookies
    assert "__Host-challenge=;" in set_cookies


def test_prune_deletes_old_challenges(app: Flask, owner: Owner, clock: FixedClock) -> None:
    owner.challenge()
    clock.advance(DAY)
    assert prune(app)["challenges"] == 0
    clock.advance(10 * MINUTE)
    assert prune(app)["challenges"] == 1


def test_activity_describes_second_factor_events(owner: Owner) -> None:
    owner.second_step(code=owner.phone.wrong_code())
    answer = owner.client.get("/auth/me/activity", headers=bearer(owner.access)).get_json()
    texts = [event["text"] for event in answer["events"]]
    assert texts[:2] == [
        "A second factor was refused: wrong code.",
        "The password was right, and the second factor was asked for.",
    ]

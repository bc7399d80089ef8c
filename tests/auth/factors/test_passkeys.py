"""Passkeys: registration, login alone or as second factor, and refusal of invalid assertions."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.factors.passkeys import MAX_PASSKEYS
from tests.support import mailbox
from tests.support.passkeys import ASKED, INVALID, add, added, log_in, options_of
from tests.support.requests import MINUTE, post, said
from tests.support.service import FixedClock, at_once, events, login, me, rows, signed_in
from tests.support.soft_passkey import PRESENT, VERIFIED, SoftPasskey, b64

REFUSED = (400, "passkey_refused")


@pytest.mark.both_databases
def test_first_passkey_enables_two_factor_with_recovery_codes(
    app: Flask, client: FlaskClient, access: str
) -> None:
    answer, options = add(client, access, SoftPasskey())
    assert answer.status_code == 201
    assert len(answer.get_json()["recovery_codes"]) == 10
    assert sorted(answer.get_json()["passkey"]) == ["backed_up", "created_at", "id", "last_used_at", "name"]
    assert options["rp"] == {"id": "localhost", "name": "AxiomTech"}
    assert options["authenticatorSelection"]["residentKey"] == "required"
    assert options["authenticatorSelection"]["userVerification"] == "required"
    assert len(options["challenge"]) == 43
    assert me(client, access).get_json()["user"]["two_factor_enabled"] is True
    assert said(login(client)) == ASKED
    assert events(app)[-2] == "passkey_added"
    assert mailbox.newest(app, "passkey_added")


@pytest.mark.both_databases
def test_passkey_logs_in_without_password(app: Flask, client: FlaskClient, passkey: SoftPasskey) -> None:
    done = log_in(client, passkey)
    assert done.status_code == 200
    assert done.get_json()["user"]["username"] == "ada"
    assert me(client, done.get_json()["access_token"]).status_code == 200
    assert events(app)[-1] == "signed_in_with_passkey"
    assert rows(app, "SELECT amr FROM sessions WHERE factor_at IS NOT NULL AND amr != 'pwd'") == [
        {"amr": "hwk user mfa"}
    ]
    assert rows(app, "SELECT sign_count FROM passkeys") == [{"sign_count": 1}]


def test_passkey_is_a_second_factor(client: FlaskClient, passkey: SoftPasskey) -> None:
    asked = login(client).get_json()
    assert asked["methods"] == ["passkey", "recovery_code"]
    assert [each["id"] for each in asked["passkey_options"]["allowCredentials"]] == [
        b64(passkey.credential_id)
    ]
    proof = passkey.get(asked["passkey_options"])
    body = {"challenge_token": asked["challenge_token"], "passkey": proof}
    assert post(client, "login/second-factor", **body).status_code == 200
    assert said(post(client, "login/second-factor", **body)) == (401, "challenge_invalid")


def test_passkey_challenge_is_bound_to_one_purpose(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    asked = login(client).get_json()
    of_second_step = passkey.get(asked["passkey_options"])
    assert said(post(client, "login/passkey", credential=of_second_step)) == INVALID
    alone = passkey.get(options_of(client))
    body = {"challenge_token": asked["challenge_token"], "passkey": alone}
    assert said(post(client, "login/second-factor", **body)) == (401, "second_factor_invalid")
    assert said(post(client, "reauth", access, passkey=alone)) == (403, "wrong_code")
    for_step_up = post(client, "reauth/options", access).get_json()["public_key"]
    assert said(post(client, "login/passkey", credential=passkey.get(for_step_up))) == INVALID
    new = post(client, "passkeys/options", access).get_json()["public_key"]
    new["rpId"] = "localhost"
    assert said(post(client, "login/passkey", credential=passkey.get(new))) == INVALID


@pytest.mark.parametrize(
    "how",
    [
        {"origin": "http://localhost:8001"},
        {"origin": "https://localhost:8000"},
        {"origin": "http://evil.example"},
        {"rp_id": "evil.example"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"handle": b"somebody else"},
        {"cross_origin": True},
    ],
    ids=str,
)
def test_assertion_for_another_origin_or_without_user_verification_is_refused(
    app: Flask, client: FlaskClient, passkey: SoftPasskey, how: dict[str, Any]
) -> None:
    before = len(rows(app, "SELECT id FROM sessions"))
    assert said(log_in(client, passkey, **how)) == INVALID
    assert len(rows(app, "SELECT id FROM sessions")) == before
    assert events(app)[-1] == "sign_in_refused"


@pytest.mark.parametrize("handle", [None, "", "!!!", "A" * 9000])
def test_passkey_login_requires_a_valid_user_handle(
    client: FlaskClient, passkey: SoftPasskey, handle: Any
) -> None:
    proof = passkey.get(options_of(client))
    proof["response"]["userHandle"] = handle
    assert said(post(client, "login/passkey", credential=proof)) == INVALID


def test_wrong_passkey_signature_is_refused(client: FlaskClient, passkey: SoftPasskey) -> None:
    other = SoftPasskey()
    other.credential_id, other.user_handle = passkey.credential_id, passkey.user_handle
    assert said(log_in(client, other)) == INVALID


@pytest.mark.both_databases
def test_passkey_assertion_is_accepted_once(client: FlaskClient, passkey: SoftPasskey) -> None:
    proof = passkey.get(options_of(client))
    assert post(client, "login/passkey", credential=proof).status_code == 200
    assert said(post(client, "login/passkey", credential=proof)) == INVALID


@pytest.mark.both_databases
def test_concurrent_use_of_one_assertion_succeeds_once(
    app: Flask, client: FlaskClient, passkey: SoftPasskey
) -> None:
    proof = passkey.get(options_of(client))
    calls = [lambda: post(app.test_client(), "login/passkey", credential=proof).status_code] * 6
    assert sorted(at_once(calls)) == [200] + [401] * 5


@pytest.mark.both_databases
def test_passkey_challenge_expires_after_five_minutes(
    client: FlaskClient, passkey: SoftPasskey, clock: FixedClock
) -> None:
    accepted, options = options_of(client), options_of(client)
    clock.advance(5 * MINUTE - 1)
    assert post(client, "login/passkey", credential=passkey.get(accepted)).status_code == 200
    clock.advance(1)
    assert said(post(client, "login/passkey", credential=passkey.get(options))) == INVALID


def test_forged_passkey_challenge_is_refused(client: FlaskClient, passkey: SoftPasskey) -> None:
    options = options_of(client)
    for challenge in ("", "AAAA", b64(bytes(32)), options["challenge"][:-4] + "AAAA"):
        forged = passkey.get(options | {"challenge": challenge})
        assert said(post(client, "login/passkey", credential=forged)) == INVALID


@pytest.mark.both_databases
def test_passkey_with_stale_sign_count_is_refused(
    app: Flask, client: FlaskClient, passkey: SoftPasskey
) -> None:
    for _ in range(3):
        assert log_in(client, passkey).status_code == 200
    passkey.count = 1
    assert said(log_in(client, passkey)) == INVALID
    assert rows(app, "SELECT sign_count FROM passkeys") == [{"sign_count": 3}]


def test_passkey_without_sign_count_is_accepted_repeatedly(client: FlaskClient, access: str) -> None:
    passkey = added(client, access, counts=False)
    for _ in range(3):
        assert log_in(client, passkey).status_code == 200


@pytest.mark.parametrize(
    "how", [{"origin": "http://evil.example"}, {"flags": PRESENT}, {"flags": VERIFIED}], ids=str
)
def test_passkey_from_another_origin_or_unverified_user_is_not_added(
    app: Flask, client: FlaskClient, access: str, how: dict[str, Any]
) -> None:
    answer, _ = add(client, access, SoftPasskey(), **how)
    assert said(answer) == REFUSED
    assert rows(app, "SELECT * FROM passkeys") == []
    assert login(client).status_code == 200


@pytest.mark.both_databases
def test_passkey_registration_response_is_accepted_once(client: FlaskClient, access: str) -> None:
    passkey = SoftPasskey()
    options = post(client, "passkeys/options", access).get_json()["public_key"]
    made = passkey.create(options)
    assert post(client, "passkeys", access, credential=made).status_code == 201
    assert said(post(client, "passkeys", access, credential=made)) == REFUSED


def test_passkey_registration_response_of_another_account_is_refused(
    app: Flask, client: FlaskClient, access: str
) -> None:
    other = signed_in(app.test_client(), "grace")["access_token"]
    options = post(client, "passkeys/options", access).get_json()["public_key"]
    made = SoftPasskey().create(options)
    assert said(post(client, "passkeys", other, credential=made)) == REFUSED


@pytest.mark.both_databases
def test_a_passkey_belongs_to_one_account(app: Flask, client: FlaskClient, passkey: SoftPasskey) -> None:
    other = signed_in(app.test_client(), "grace")["access_token"]
    answer, _ = add(client, other, passkey)
    assert said(answer) == (409, "passkey_taken")


@pytest.mark.parametrize(
    "body", [{}, {"credential": {}}, {"credential": {"response": None}}, {"credential": 1}]
)
def test_malformed_passkey_credential_is_refused(
    client: FlaskClient, access: str, body: dict[str, Any]
) -> None:
    for path, token in (("login/passkey", ""), ("passkeys", access)):
        assert post(client, path, token, **body).status_code in {400, 401}


@pytest.mark.both_databases(slow=True)
def test_earlier_options_cannot_exceed_the_passkey_limit(client: FlaskClient, access: str) -> None:
    for _ in range(MAX_PASSKEYS - 1):
        added(client, access)
    both = [post(client, "passkeys/options", access).get_json()["public_key"] for _ in range(2)]
    made = [SoftPasskey().create(options) for options in both]
    assert post(client, "passkeys", access, credential=made[0]).status_code == 201
    assert said(post(client, "passkeys", access, credential=made[1])) == (409, "too_many_passkeys")


@pytest.mark.both_databases(slow=True)
def test_account_has_at_most_twenty_passkeys(
    app: Flask, client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    assert passkey
    for _ in range(MAX_PASSKEYS - 1):
        added(client, access)
    assert said(post(client, "passkeys/options", access)) == (409, "too_many_passkeys")
    handles = rows(app, "SELECT DISTINCT user_handle FROM passkeys")
    assert len(handles) == 1

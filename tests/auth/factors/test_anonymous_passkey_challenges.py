"""The challenge of a login by passkey alone: no row until a verified answer, used once."""

from collections.abc import Callable
from functools import partial
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from auth import tokens
from auth.factors import passkey_ceremonies
from auth.login import complete
from tests.conftest import AppFactory
from tests.support.passkeys import INVALID, added, options_of
from tests.support.requests import MINUTE, confirm_addresses, everything, post, said
from tests.support.service import FixedClock, at_once, rows, signed_in
from tests.support.soft_passkey import SoftPasskey, b64, raw
from utils.services import services

pytestmark = pytest.mark.both_databases(nightly=True)

SIGNED = 24  # bytes of a challenge before its MAC: random id and end


@pytest.fixture
def passkey(client: FlaskClient, access: str) -> SoftPasskey:
    """Add a passkey without a counter: only the service can tell its second assertion from the first."""
    return added(client, access, counts=False)


def used(app: Flask) -> list[dict[str, object]]:
    return rows(app, "SELECT * FROM challenges WHERE purpose = 'passkey_sign_in'")


def test_anonymous_passkey_options_write_nothing(app: Flask, client: FlaskClient) -> None:
    before = everything(app)
    challenges = {options_of(client)["challenge"] for _ in range(20)}
    assert len(challenges) == 20
    assert everything(app) == before


def test_refused_passkey_answer_stores_no_challenge(
    app: Flask, client: FlaskClient, passkey: SoftPasskey
) -> None:
    options = options_of(client)
    for how in ({"origin": "http://evil.example"}, {"handle": b"another"}):
        assert said(post(client, "login/passkey", credential=passkey.get(options, **how))) == INVALID
    unknown = SoftPasskey()
    assert said(post(client, "login/passkey", credential=unknown.get(options))) == INVALID
    assert used(app) == []
    assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 200
    assert [row["user_id"] for row in used(app)] == [1]


@pytest.mark.both_databases(slow=True)
def test_passkey_without_counter_answers_a_challenge_once(client: FlaskClient, passkey: SoftPasskey) -> None:
    options = options_of(client)
    assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 200
    assert said(post(client, "login/passkey", credential=passkey.get(options))) == INVALID


@pytest.mark.both_databases(slow=True)
def test_concurrent_answers_without_counter_succeed_once(
    app: Flask, client: FlaskClient, passkey: SoftPasskey
) -> None:
    other = added(client, signed_in(app.test_client(), "grace")["access_token"], counts=False)
    confirm_addresses(app)
    options = options_of(client)
    proofs = [passkey.get(options), other.get(options)] * 3
    calls: list[Callable[[], TestResponse]] = [
        partial(post, app.test_client(), "login/passkey", credential=proof) for proof in proofs
    ]
    assert sorted(answer.status_code for answer in at_once(calls)) == [200] + [401] * 5


@pytest.mark.provokes_errors
def test_failed_login_leaves_its_passkey_challenge_unused(
    app: Flask, client: FlaskClient, passkey: SoftPasskey, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = options_of(client)

    def fails(*_: object, **__: object) -> None:
        raise OperationalError("", {}, Exception())

    with monkeypatch.context() as patched:
        patched.setattr(complete, "complete", fails)
        assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 503
    assert used(app) == []
    assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 200


def test_changed_passkey_challenge_is_refused(app: Flask, client: FlaskClient, passkey: SoftPasskey) -> None:
    options = options_of(client)
    challenge = raw(options["challenge"])
    assert len(challenge) == SIGNED + 32
    later = (int.from_bytes(challenge[16:SIGNED], "big") + 1000).to_bytes(8, "big")
    for changed in (
        challenge[:16] + later + challenge[SIGNED:],
        bytes(16) + challenge[16:],
        challenge[:-1] + bytes([challenge[-1] ^ 1]),
        challenge + b"\0",
        challenge[:-1],
        challenge[:SIGNED],
        b"",
    ):
        forged = options | {"challenge": b64(changed)}
        assert said(post(client, "login/passkey", credential=passkey.get(forged))) == INVALID
    assert used(app) == []


def test_anonymous_challenge_is_refused_for_step_up_second_factor_and_registration(
    client: FlaskClient, access: str, passkey: SoftPasskey
) -> None:
    asked = post(client, "login", username="ada", password="correct horse battery").get_json()
    body = {"challenge_token": asked["challenge_token"], "passkey": passkey.get(options_of(client))}
    assert said(post(client, "login/second-factor", **body)) == (401, "second_factor_invalid")
    proof = passkey.get(options_of(client))
    assert said(post(client, "reauth", access, passkey=proof)) == (403, "wrong_code")
    creation = post(client, "passkeys/options", access).get_json()["public_key"]
    made = SoftPasskey().create(creation | {"challenge": options_of(client)["challenge"]})
    assert said(post(client, "passkeys", access, credential=made, name="x")) == (400, "passkey_refused")


def test_challenge_of_a_machine_whose_clock_is_ahead_by_seconds_is_accepted(
    client: FlaskClient, passkey: SoftPasskey, clock: FixedClock
) -> None:
    options = options_of(client)
    clock.advance(-2)
    assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 200


def test_clock_set_back_does_not_extend_a_passkey_challenge(
    client: FlaskClient, passkey: SoftPasskey, clock: FixedClock
) -> None:
    options = options_of(client)
    clock.advance(-MINUTE)
    assert said(post(client, "login/passkey", credential=passkey.get(options))) == INVALID
    clock.advance(MINUTE)
    assert post(client, "login/passkey", credential=passkey.get(options)).status_code == 200


def test_passkey_challenge_verifies_with_the_previous_key_only(make_app: AppFactory) -> None:
    old, new = "the former key which was drawn at random", "the next key which was drawn at random"
    before = make_app({"FLASK_SECRET_KEY": old})
    with before.app_context():
        end = services().clock.now() + passkey_ceremonies.LIFETIME
        made = tokens.passkey_challenge(services(), UUID(int=7), end)
    rotated = make_app({"FLASK_SECRET_KEY": new, "FLASK_PREVIOUS_SECRET_KEYS": old})
    with rotated.app_context():
        assert tokens.read_passkey_challenge(services(), made) == tokens.PasskeyChallenge(UUID(int=7), end)
    with make_app({"FLASK_SECRET_KEY": new}).app_context():
        assert tokens.read_passkey_challenge(services(), made) is None

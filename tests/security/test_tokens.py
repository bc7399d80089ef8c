"""Access tokens over HTTP: any deviation is a 401, never a 500."""

import json
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.support.forged_tokens import CLAIMS, HEADERS, NOW
from tests.support.memory_apps import claims, encoded, forged, header, memory_app, settings_of
from tests.support.service import FixedClock, bearer, me, refresh, register, signed_in
from utils.auth_helpers import generate_jwt_token, verify_jwt_token
from utils.crypto.keys import key_id

OLD, NEW = "an old key: thirty-two bytes and more", "a new key: thirty-two bytes and more"


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def memory(clock: FixedClock) -> Iterator[FlaskClient]:
    with memory_app(clock=clock) as app:
        client = app.test_client()
        register(client)
        yield client


def test_forging_helper_can_make_valid_tokens(memory: FlaskClient) -> None:
    assert me(memory, forged(header(), claims())).status_code == 200
    assert me(memory, forged(header(), claims(iat=NOW + 29, jti=None) | {"jti": "x"})).status_code == 200
    assert me(memory, forged(header(), claims(nbf=NOW - 1))).status_code == 200


@pytest.mark.parametrize("changes", HEADERS.values(), ids=HEADERS.keys())
def test_a_forged_header_is_a_401(memory: FlaskClient, changes: dict[str, Any]) -> None:
    refused(memory, forged(header(**changes), claims()))


@pytest.mark.parametrize("changes", CLAIMS.values(), ids=CLAIMS.keys())
def test_a_forged_claim_is_a_401(memory: FlaskClient, changes: dict[str, Any]) -> None:
    refused(memory, forged(header(), claims(**changes)))


def test_null_claims_are_a_401(memory: FlaskClient) -> None:
    for name in ("iss", "aud", "sub", "jti", "iat", "exp", "nbf", "sid", "auth_time"):
        refused(memory, forged(header(), claims() | {name: None}))


def test_subject_beyond_the_integer_range_is_a_401(app: Flask, client: FlaskClient) -> None:
    """A Postgres integer column holds at most 32 bits."""
    session = "0b8d6f0e-5a0b-4f3c-9a53-6f1e0c1c7a11"
    for subject in (str(2**31), "9" * 18):
        refused(client, forged(header(), claims(sub=subject)))
        refused(client, forged(header(), claims(sub=subject, sid=session)))


def test_keys_in_the_header_are_ignored(memory: FlaskClient) -> None:
    theirs = "the key of somebody else, long enough"
    jwk = {"kty": "oct", "k": encoded(theirs), "alg": "HS256"}
    for more in ({"jwk": jwk}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x"}):
        refused(memory, forged(header(**more), claims(), key=theirs))
        refused(memory, forged(header(**more, kid=key_id(theirs)), claims(), key=theirs))


def test_other_or_missing_signature_algorithm_is_a_401(memory: FlaskClient) -> None:
    refused(memory, forged(header(alg="HS512"), claims(), digest="sha512"))
    refused(memory, forged(header(), claims(), digest="sha512"))
    head, body, _ = forged(header(alg="none"), claims()).split(".")
    refused(memory, f"{head}.{body}.", f"{head}.{body}", f"{head}.{body}.e30")


def test_alternative_spelling_of_a_token_is_a_401(memory: FlaskClient) -> None:
    token = signed_in(memory)["access_token"]
    head, body, signature = token.split(".")
    refused(
        memory,
        token + "=",
        token + ".",
        "." + token,
        f"{head}=.{body}.{signature}",
        f"{head}.{body}=.{signature}",
        token + "\x0b",
        token + "\xe9",
        token[:-1] + "\xfc",
        f"{head}.{body}.{signature}.{signature}",
        f"{head}..{signature}",
        f"{head}.{body}.{signature}A",
    )
    assert me(memory, token).status_code == 200


def test_white_space_in_a_token_is_a_401(memory: FlaskClient) -> None:
    token = signed_in(memory)["access_token"]
    answer = memory.get("/auth/me", headers=bearer(token.replace(".", ". ")))
    assert (answer.status_code, answer.get_json()["code"]) == (401, "token_malformed")
    for space in ("\t", "\xa0", "\x85"):
        refused(memory, token.replace(".", f".{space}"))
    with memory.application.app_context():
        assert verify_jwt_token(token) == 1
        assert [verify_jwt_token(token + end) for end in ("\n", " ", "\r\n", "\0")] == [None] * 4


def test_deep_nesting_is_a_401(memory: FlaskClient) -> None:
    deep = "[" * 50_000 + "]" * 50_000
    refused(memory, forged(deep, claims()), forged(header(), deep), forged(header(), f'{{"x":{deep}}}'))
    shallow = "[" * 700 + "]" * 700  # under the cap on a token's length
    refused(memory, forged(header(), shallow), forged(shallow, claims()))


def test_token_parts_that_are_no_json_objects_are_a_401(memory: FlaskClient) -> None:
    for text in ("null", "[]", '"text"', "1", "", "{", "\ufeff{}", '{"a":"\\ud800"}'):
        refused(memory, forged(text, claims()), forged(header(), text))


def test_repeated_names_are_a_401(memory: FlaskClient) -> None:
    """Parsers differ in which of two values they take (RFC 7515, 4; RFC 7519, 4)."""
    twice = json.dumps(header()).replace("{", '{"alg": "none", ', 1)
    assert json.loads(twice) == header()
    refused(memory, forged(twice, claims()))
    twice = json.dumps(claims()).replace("{", '{"sub": "2", ', 1)
    refused(memory, forged(header(), twice))


def test_every_flipped_bit_of_the_signature_is_a_401(memory: FlaskClient) -> None:
    token = signed_in(memory)["access_token"]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    for place in range(len(token) - 43, len(token)):
        value = alphabet.index(token[place])
        refused(
            memory, *(f"{token[:place]}{alphabet[value ^ 1 << bit]}{token[place + 1 :]}" for bit in range(6))
        )


def test_token_expires_at_its_exp_second(memory: FlaskClient, clock: FixedClock) -> None:
    token = signed_in(memory)["access_token"]
    clock.advance(3599)
    assert me(memory, token).status_code == 200
    clock.advance(1)
    refused(memory, token)


def test_token_issued_up_to_thirty_seconds_ahead_is_accepted(memory: FlaskClient, clock: FixedClock) -> None:
    clock.advance(30)
    token = signed_in(memory)["access_token"]
    clock.advance(-30)
    assert me(memory, token).status_code == 200
    clock.advance(-1)
    refused(memory, token)


def test_access_and_refresh_tokens_are_not_interchangeable(memory: FlaskClient) -> None:
    pair = signed_in(memory)
    refused(memory, pair["refresh_token"])
    assert refresh(memory, pair["access_token"]).get_json()["code"] == "refresh_token_invalid"


def test_token_of_another_issuer_or_audience_is_a_401(memory: FlaskClient) -> None:
    with memory_app({"PUBLIC_URL": "https://other.example.com"}) as other:
        token = signed_in(other.test_client())["access_token"]
        assert me(other.test_client(), token).status_code == 200
    refused(memory, token)
    with memory_app({"JWT_AUDIENCE": "another"}) as other:
        refused(memory, signed_in(other.test_client())["access_token"])


def test_previous_key_verifies_and_the_new_key_signs() -> None:
    with memory_app({"JWT_SECRET_KEY": OLD}) as app, app.app_context():
        token = generate_jwt_token(1)
    with memory_app({"JWT_SECRET_KEY": NEW, "JWT_PREVIOUS_SECRET_KEYS": OLD}) as app, app.app_context():
        assert verify_jwt_token(token) == 1
        newer = generate_jwt_token(1)
        assert jwt.get_unverified_header(newer)["kid"] == key_id(NEW)
        mixed = forged(header(kid=key_id(NEW)), claims(), key=OLD)
        assert verify_jwt_token(mixed) is None  # a key is used for its own key id only
    with memory_app({"JWT_SECRET_KEY": NEW}) as app, app.app_context():
        assert verify_jwt_token(newer) == 1
        assert verify_jwt_token(token) is None
    with memory_app({"JWT_SECRET_KEY": OLD}) as app, app.app_context():
        assert verify_jwt_token(newer) is None


def test_refresh_tokens_survive_key_rotation(make_app: Any) -> None:
    before = make_app({"FLASK_SECRET_KEY": OLD}).test_client()
    first = signed_in(before)["refresh_token"]
    after = make_app({"FLASK_SECRET_KEY": NEW, "FLASK_PREVIOUS_SECRET_KEYS": OLD}).test_client()
    second = refresh(after, first).get_json()["refresh_token"]
    assert (
        refresh(before, second).get_json()["code"] == "refresh_token_invalid"
    )  # signed with the new key only
    alone = make_app({"FLASK_SECRET_KEY": NEW}).test_client()
    assert refresh(alone, first).get_json()["code"] == "refresh_token_invalid"
    assert refresh(alone, second).status_code == 200


def test_access_tokens_are_unique(memory: FlaskClient) -> None:
    with memory.application.app_context():
        assert len({generate_jwt_token(1) for _ in range(200)}) == 200


def test_issuer_and_audience_are_settings() -> None:
    with memory_app({"JWT_ISSUER": "ours", "JWT_AUDIENCE": "theirs"}) as app, app.app_context():
        assert (settings_of(app).jwt_issuer, settings_of(app).jwt_audience) == ("ours", "theirs")
        assert verify_jwt_token(forged(header(), claims(iss="ours", aud="theirs"))) == 1
        assert verify_jwt_token(forged(header(), claims())) is None
        assert verify_jwt_token(generate_jwt_token(1)) == 1


def refused(client: FlaskClient, *tokens: str) -> None:
    for token in tokens:
        answer = me(client, token)
        assert answer.status_code == 401, token[:200]
        assert answer.get_json()["code"] == "token_invalid"
        assert answer.headers["WWW-Authenticate"] == 'Bearer error="invalid_token"'

"""The public helpers for passwords, tokens and guarded views."""

import unicodedata
from collections.abc import Iterator
from typing import Any, cast

import pytest
from flask import Flask, g, jsonify, request

from config import ConfigurationError, Settings, TestingConfig
from models import User, db
from tests.support.memory_apps import memory_app
from tests.support.service import (
    PASSWORD,
    START,
    FixedClock,
    bearer,
    events,
    execute,
    me,
    register,
    signed_in,
)
from utils.auth_helpers import (
    bearer_token,
    check_password,
    generate_jwt_token,
    hash_password,
    jwt_required,
    optional_bearer_token,
    verify_jwt_token,
)
from utils.errors import ApiError
from utils.web.http import AuthenticatedRequest


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock()


@pytest.fixture
def memory(clock: FixedClock) -> Iterator[Flask]:
    with memory_app(clock=clock) as app, app.app_context():
        yield app


def test_password_hash_is_salted_and_contains_its_method(memory: Flask) -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first != second
    assert first.startswith("scrypt:256:8:1$")
    assert check_password(first, PASSWORD)
    assert check_password(second, PASSWORD)
    assert len(hash_password("x" * 256)) <= 255


def test_longest_password_hash_fits_its_column() -> None:
    method = {"PASSWORD_HASH_METHOD": "pbkdf2:sha512:1000"}
    with memory_app(method) as app, app.app_context():
        assert len(hash_password(PASSWORD)) <= 255


@pytest.mark.parametrize(
    "other", ["", " ", PASSWORD + " ", " " + PASSWORD, PASSWORD.upper(), PASSWORD[:8] + "\0" + PASSWORD[8:]]
)
def test_password_is_not_trimmed_or_altered(memory: Flask, other: str) -> None:
    assert not check_password(hash_password(PASSWORD), other)
    assert check_password(hash_password(other), other)


def test_composed_and_decomposed_passwords_are_equal(memory: Flask) -> None:
    composed = unicodedata.normalize("NFC", "pässwörd é")
    decomposed = unicodedata.normalize("NFD", composed)
    assert composed != decomposed
    assert check_password(hash_password(composed), decomposed)
    assert check_password(hash_password(decomposed), composed)
    assert not check_password(hash_password("\ufb01ne password"), "fine password")  # NFC, not NFKC


@pytest.mark.provokes_errors
@pytest.mark.parametrize(
    "stored",
    [
        "",
        "plain",
        "md5$salt$0123",
        "scrypt:32768:8:1$salt",
        "scrypt:1048576:8:1$salt$00",
        "scrypt:256:8:1000$salt$00",
        "scrypt:3:8:1$salt$00",
        "scrypt:0:0:0$salt$00",
        "pbkdf2:sha256:999999999$salt$00",
        "pbkdf2:sha256:0$salt$00",
        "pbkdf2:md5:1$salt$00",
        "scrypt:256:8:1$salt$zz",
    ],
)
def test_malformed_stored_hash_matches_no_password(memory: Flask, stored: str) -> None:
    assert check_password(stored, PASSWORD) is False


def test_token_verifies_as_its_user_until_it_expires(memory: Flask, clock: FixedClock) -> None:
    token = generate_jwt_token(7)
    assert verify_jwt_token(token) == 7
    clock.advance(3600)
    assert verify_jwt_token(token) is None


@pytest.mark.parametrize("token", [None, 1, b"bytes", [], {}, "", ".", "a.b.c", "x" * 100_000])
def test_malformed_token_verifies_as_none(memory: Flask, token: Any) -> None:
    assert verify_jwt_token(token) is None


def test_token_lifetime_comes_from_the_configuration(memory: Flask, clock: FixedClock) -> None:
    memory.config["JWT_ACCESS_TOKEN_EXPIRES"] = 5
    token = generate_jwt_token(1)
    clock.advance(4)
    assert verify_jwt_token(token) == 1
    clock.advance(1)
    assert verify_jwt_token(token) is None


def test_guard_passes_the_principal_to_the_view() -> None:
    with memory_app() as app:

        @app.get("/mine")
        @jwt_required
        def mine() -> Any:
            """A view of another application."""
            return jsonify(id=cast(AuthenticatedRequest, request).user_id, sid=str(g.principal.session_id))

        client = app.test_client()
        pair = signed_in(client)
        answer = client.get("/mine", headers=bearer(pair["access_token"]))
        assert answer.get_json()["id"] == pair["user"]["id"] == 1
        assert answer.get_json()["sid"] != "None"
        with app.app_context():
            without = generate_jwt_token(1)
        assert client.get("/mine", headers=bearer(without)).get_json() == {"id": 1, "sid": "None"}
        assert client.get("/mine").status_code == 401
        assert mine.__name__ == "mine"


def test_token_without_session_is_refused_after_revocation(app: Flask, clock: FixedClock) -> None:
    client = app.test_client()
    register(client)
    with app.app_context():
        token = generate_jwt_token(1)
    assert me(client, token).status_code == 200
    assert client.get("/auth/sessions", headers=bearer(token)).get_json()["code"] == "session_required"
    execute(app, "UPDATE users SET tokens_valid_after = :at", at=START.replace(hour=13))
    assert me(client, token).status_code == 401
    clock.advance(3600)
    with app.app_context():
        assert me(client, generate_jwt_token(1)).status_code == 200
    assert events(app) == ["account_registered"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, "token_missing"),
        ("", "token_missing"),
        ("   ", "token_missing"),
        ("Bearer", "token_malformed"),
        ("Bearer ", "token_malformed"),
        ("Bearer a b", "token_malformed"),
        ("Bearera", "token_malformed"),
        ("Basic YTpi", "token_malformed"),
        ("Bearer a", "a"),
        ("bEARER   a  ", "a"),
    ],
)
def test_authorization_header_is_parsed(memory: Flask, header: str | None, expected: str) -> None:
    with memory.test_request_context(headers={"Authorization": header} if header is not None else {}):
        if expected == "a":
            assert bearer_token() == optional_bearer_token() == "a"
            return
        assert optional_bearer_token() is None
        with pytest.raises(ApiError) as caught:
            bearer_token()
    assert caught.value.code == expected


def test_user_created_through_the_model_has_its_keys(memory: Flask) -> None:
    user = User(username="Grace", email="Grace@Example.com", password_hash=hash_password(PASSWORD))
    db.session.add(user)
    db.session.commit()
    assert (user.username_key, user.email_key) == ("grace", "grace@example.com")
    assert user.to_dict().keys().isdisjoint({"password_hash", "username_key", "email_key"})
    assert PASSWORD not in str(user.to_dict())


def test_trailing_nul_changes_a_password() -> None:
    with memory_app() as app, app.app_context():
        hashed = hash_password("password123")
        assert check_password(hashed, "password123")
        assert not check_password(hashed, "password123\0")
        body = {"username": "ada", "email": "ada@example.com", "password": "password123\0"}
        assert app.test_client().post("/auth/register", json=body).status_code == 400


def test_excessive_hash_cost_is_refused_at_startup() -> None:
    for method in ("scrypt:1048576:8:1", "scrypt:32768:8:17", "pbkdf2:sha256:5000001", "scrypt:128:8:1"):
        with pytest.raises(ConfigurationError):
            Settings.load(TestingConfig, {"PASSWORD_HASH_METHOD": method})

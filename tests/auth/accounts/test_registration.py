"""Registration: validation, stored data, and passwords."""

# ruff: noqa: RUF001  (lookalike characters are what is tested)

import unicodedata
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.service import (
    PASSWORD,
    CountingHasher,
    FixedClock,
    bearer,
    events,
    execute,
    login,
    register,
    rows,
)
from utils.passwords.hashing import PasswordHasher

NAMELESS = {"email": "a@example.com", "password": PASSWORD}
USER_KEYS = {"id", "username", "email", "email_verified", "created_at", "two_factor_enabled", "locale"}


def test_register_and_login_responses_have_exactly_these_keys(client: FlaskClient) -> None:
    registered = register(client).get_json()
    assert set(registered) == {"message", "user"}
    assert set(registered["user"]) == USER_KEYS
    assert registered["user"]["created_at"] == "2026-03-01T12:00:00Z"
    assert registered["user"]["email_verified"] is False
    signed_in = login(client).get_json()
    tokens = {"access_token", "token_type", "expires_in", "refresh_token", "device_token"}
    assert set(signed_in) == {"message", "user"} | tokens
    assert signed_in["user"] == registered["user"]


@pytest.mark.parametrize(
    ("body", "code", "faults"),
    [
        ({}, "no_input", ""),
        ({"nonsense": 1}, "missing_fields", "username email password"),
        ({"username": "", "email": None, "password": "1"}, "missing_fields", "username email password"),
        ({"username": "a@b", "password": "1"}, "missing_fields", "username email password"),
        ({"username": "a@b", "email": "x", "password": "1"}, "password_too_short", "username email password"),
        ({"username": "a@b", "email": "x", "password": PASSWORD}, "validation_failed", "username email"),
        ({"username": 5, "email": [], "password": {}}, "validation_failed", "username email password"),
        ({"username": "ada", "email": "a@example.com", "password": 5}, "validation_failed", "password"),
        ({**NAMELESS, "username_from_email": "yes"}, "missing_fields", "username username_from_email"),
        ({**NAMELESS, "username_from_email": False}, "missing_fields", "username"),
    ],
)
def test_first_kind_of_error_sets_the_code_and_all_fields_are_named(
    app: Flask, client: FlaskClient, body: dict[str, Any], code: str, faults: str
) -> None:
    answer = client.post("/auth/register", json=body)
    assert answer.status_code == 400
    assert answer.get_json()["code"] == code
    assert set(answer.get_json().get("fields", {})) == set(faults.split())
    assert rows(app, "SELECT id FROM users") == []
    assert events(app) == []


def test_read_only_fields_in_the_body_are_ignored(app: Flask, client: FlaskClient) -> None:
    first = register(client).get_json()["user"]["id"]
    sent = {
        "id": first,
        "user_id": first,
        "password_hash": "pbkdf2:sha256:1$a$b",
        "username_key": "root",
        "email_verified": True,
        "email_verified_at": "2020-01-01T00:00:00Z",
        "disabled_at": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
    }
    user = register(client, "grace", **sent).get_json()["user"]
    assert user["id"] != first
    assert user["email_verified"] is False
    assert user["created_at"] == "2026-03-01T12:00:00Z"
    row = rows(app, "SELECT * FROM users WHERE id = :id", id=user["id"])[0]
    assert row["username_key"] == "grace"
    assert row["password_hash"].startswith("scrypt:")
    assert row["disabled_at"] is None
    assert login(client, "grace", user_id=first).get_json()["user"]["id"] == user["id"]


def test_user_ids_are_never_reused(app: Flask, client: FlaskClient) -> None:
    register(client)
    last = register(client, "grace").get_json()["user"]["id"]
    execute(app, "DELETE FROM users")
    assert register(client, "edsger").get_json()["user"]["id"] > last


@pytest.mark.parametrize(("length", "status"), [(7, 400), (8, 201), (256, 201), (257, 400), (1025, 400)])
@pytest.mark.parametrize("character", ["x", "é", "😀", " "])
def test_password_length_is_counted_in_code_points(
    client: FlaskClient, length: int, status: int, character: str
) -> None:
    answer = register(client, password=character * length)
    assert answer.status_code == status, answer.get_json()
    if status == 201:
        assert login(client, password=character * length).status_code == 200


def test_password_length_is_counted_after_unicode_composition(client: FlaskClient) -> None:
    assert register(client, password="e\N{COMBINING ACUTE ACCENT}" * 7).status_code == 400
    assert register(client, password="e\N{COMBINING ACUTE ACCENT}" * 256).status_code == 201
    assert login(client, password="é" * 256).status_code == 200


def test_password_outside_length_limits_is_never_hashed(make_app: AppFactory) -> None:
    hasher = CountingHasher(PasswordHasher("scrypt:256:8:1"))
    client = make_app(hasher=hasher).test_client()
    for password in ("short", "x" * 257, "e" + "\N{COMBINING ACUTE ACCENT}" * 10_000, "x" * 1_000_000):
        assert register(client, password=password).status_code in {400, 413}
    assert login(client, password="x" * 257).status_code == 400
    assert hasher.calls == 0


def test_composed_and_decomposed_passwords_are_equal(client: FlaskClient) -> None:
    decomposed = unicodedata.normalize("NFD", "pässwörd 1")
    register(client, password="pässwörd 1")
    register(client, "grace", password=decomposed)
    assert login(client, password=decomposed).status_code == 200
    assert login(client, "grace", password="pässwörd 1").status_code == 200


@pytest.mark.parametrize(
    "other",
    [
        "Correct horse battery",
        "correct horse battery ",
        " correct horse battery",
        "correct horse batter",
        "correct\0horse battery",
        "correct\N{NO-BREAK SPACE}horse battery",
        "ｃorrect horse battery",
    ],
)
def test_password_differing_in_one_character_is_refused(client: FlaskClient, other: str) -> None:
    register(client)
    assert login(client, password=other).status_code == 401


@pytest.mark.parametrize("password", ["  spaces  around  ", "nul\0in the middle", "🐴🔋📎🐴🔋📎🐴🔋"])
def test_password_is_not_trimmed_or_altered(client: FlaskClient, password: str) -> None:
    assert register(client, password=password).status_code == 201
    assert login(client, password=password).status_code == 200
    assert login(client, password=password.strip() + "x").status_code == 401


def test_the_minimum_length_is_a_setting(make_app: AppFactory) -> None:
    client = make_app({"PASSWORD_MIN_LENGTH": "15"}).test_client()
    answer = register(client, password="x" * 14)
    assert answer.get_json()["message"] == "Password must be at least 15 characters long"
    assert register(client, password="x" * 15).status_code == 201


def test_a_password_is_stored_as_a_salted_hash_only(app: Flask, client: FlaskClient) -> None:
    register(client)
    register(client, "grace")
    first, second = rows(app, "SELECT * FROM users ORDER BY id")
    assert PASSWORD not in str(first)
    assert first["password_hash"] != second["password_hash"]


@pytest.mark.parametrize("accepted", [True, False, None])
def test_accepted_terms_version_and_time_are_stored(
    make_app: AppFactory, clock: FixedClock, accepted: bool | None
) -> None:
    app = make_app({"TERMS_VERSION": "2026-11"})
    more: dict[str, Any] = {} if accepted is None else {"terms_accepted": accepted}
    assert register(app.test_client(), **more).status_code == 201
    (row,) = rows(app, "SELECT terms_accepted_at, terms_version FROM users")
    assert row["terms_version"] == ("2026-11" if accepted else None)
    assert str(row["terms_accepted_at"] or "").startswith(f"{clock.now():%Y-%m-%d %H:%M}" if accepted else "")
    access = login(app.test_client()).get_json()["access_token"]
    told = app.test_client().get("/auth/me/export", headers=bearer(access)).get_json()["user"]
    assert told["terms_version"] == row["terms_version"]
    assert bool(told["terms_accepted_at"]) is bool(accepted)


def test_derived_username_is_used_when_username_is_null(client: FlaskClient) -> None:
    body = {"username": None, "username_from_email": True, "email": "ada@example.com", "password": PASSWORD}
    answer = client.post("/auth/register", json=body)
    assert (answer.status_code, answer.get_json()["user"]["username"]) == (201, "ada")

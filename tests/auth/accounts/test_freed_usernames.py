"""Names that an account gave up: kept for it, and from everyone else, for 90 days."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.revocation.usernames import MAX_KEPT
from config import TestingConfig
from tests.conftest import AppFactory
from tests.support import mailbox
from tests.support.requests import DAY, confirmed, post, prune, said
from tests.support.service import (
    PASSWORD,
    FixedClock,
    Interrupted,
    at_once,
    bearer,
    login,
    register,
    rows,
    signed_in,
)

pytestmark = pytest.mark.both_databases(nightly=True)

TAKEN = (409, "username_taken")
DIGESTS = "SELECT * FROM freed_usernames"


def rename(client: FlaskClient, access: str, name: str) -> tuple[int, str]:
    return said(client.patch("/auth/me", json={"username": name}, headers=bearer(access)))


def register_as(client: FlaskClient, name: str, email: str) -> tuple[int, str]:
    return said(register(client, name, email=email))


def leave(client: FlaskClient, access: str) -> None:
    assert client.delete("/auth/me", headers=bearer(access)).status_code == 202


@pytest.mark.both_databases(slow=True)
def test_freed_username_is_refused_for_90_days(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    access, other = signed_in(client)["access_token"], signed_in(client, "grace")["access_token"]
    assert rename(client, access, "lovelace") == (200, "")
    for name in ("ada", "ADA"):
        assert said(register(client, name, email="new@example.com")) == TAKEN
        assert rename(client, other, name) == TAKEN
    body = {
        "username_from_email": True,
        "email": "ada@elsewhere.example",
        "password": PASSWORD,
    }
    made: dict[str, Any] = client.post("/auth/register", json=body).get_json()
    assert made["user"]["username"].startswith("ada")
    assert made["user"]["username"] != "ada"
    words = ["auth", "create-user", "--username", "ada", "--email", "cli@example.com", "--password-stdin"]
    done = app.test_cli_runner().invoke(args=words, input=PASSWORD)
    assert "Username already exists" in done.output
    clock.advance(90 * DAY - 1)
    assert said(register(client, "ada", email="new@example.com")) == TAKEN
    clock.advance(1)
    assert register(client, "ada", email="new@example.com").status_code == 201


def test_former_owner_takes_a_freed_username_back(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    for name in ("lovelace", "ada", "lovelace"):
        assert rename(client, access, name) == (200, "")
    assert len(rows(app, DIGESTS)) == 1  # the name in use is not kept besides
    assert said(register(client, "ada", email="new@example.com")) == TAKEN
    clock.advance(90 * DAY)
    assert prune(app)["freed_usernames"] == 1
    assert rows(app, DIGESTS) == []


def test_another_spelling_of_the_same_name_frees_nothing(app: Flask, client: FlaskClient) -> None:
    access = signed_in(client)["access_token"]
    for name in ("Ada", "ADA", "ada"):
        assert rename(client, access, name) == (200, "")
    assert rows(app, DIGESTS) == []


def test_account_keeps_ten_names_at_most(app: Flask, client: FlaskClient, clock: FixedClock) -> None:
    access = signed_in(client)["access_token"]
    for number in range(MAX_KEPT):
        assert rename(client, access, f"ada{number}") == (200, "")
    refused = (409, "too_many_usernames")
    assert rename(client, access, "lovelace") == refused
    assert len(rows(app, DIGESTS)) == MAX_KEPT
    assert rows(app, "SELECT username FROM users")[0]["username"] == f"ada{MAX_KEPT - 1}"
    assert register(client, "lovelace").status_code == 201  # not kept by the refused call
    assert rename(client, access, "ada3") == (200, "")  # one's own name, in exchange for the present one
    assert rename(client, access, "countess") == refused
    clock.advance(90 * DAY)
    access = login(client, "ada3").get_json()["access_token"]
    assert rename(client, access, "countess") == (200, "")


@pytest.mark.both_databases(slow=True)
def test_username_of_an_erased_account_is_refused_to_everyone(
    app: Flask, client: FlaskClient, clock: FixedClock
) -> None:
    access = signed_in(client)["access_token"]
    assert rename(client, access, "lovelace") == (200, "")
    leave(client, access)
    clock.advance(14 * DAY)
    assert prune(app)["users"] == 1
    assert [row["user_id"] for row in rows(app, DIGESTS)] == [None, None]
    for name in ("ada", "lovelace"):
        assert said(register(client, name)) == TAKEN
    clock.advance(76 * DAY)
    assert register(client, "ada").status_code == 201  # freed 14 days before the erasure
    assert said(register(client, "lovelace")) == TAKEN
    clock.advance(14 * DAY)
    assert register(client, "lovelace").status_code == 201


def test_name_of_a_rejected_registration_is_kept_if_it_could_log_in(make_app: AppFactory) -> None:
    for environ, answer in (({}, TAKEN), ({"REQUIRE_VERIFIED_EMAIL": "true"}, (201, ""))):
        app = make_app(environ)
        client = app.test_client()
        name = f"ada{len(environ)}"
        register(client, name)
        assert post(client, "email/reject", token=mailbox.token(app, "verify_email")).status_code == 200
        assert said(register(client, name)) == answer


def test_reserved_name_of_a_hidden_registration_is_free_after_its_account(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app({"HIDE_ACCOUNT_EXISTENCE": "true"})
    client = app.test_client()
    confirmed(app)
    assert register(client, "eve", email="ada@example.com").status_code == 202  # an address that is taken
    clock.advance(7 * DAY + 1)
    assert prune(app)["users"] == 1
    assert rows(app, DIGESTS) == []
    assert register(client, "eve").status_code == 202


def test_freed_username_is_stored_as_a_keyed_digest_only(make_app: AppFactory, client: FlaskClient) -> None:
    app = make_app()
    assert rename(client, signed_in(client)["access_token"], "lovelace") == (200, "")
    row = rows(app, DIGESTS)[0]
    assert set(row) == {"digest", "user_id", "ends_at"}
    assert len(row["digest"]) == 32
    before = TestingConfig.SECRET_KEY
    new = {"FLASK_SECRET_KEY": "z" * 64}
    rotated = make_app(new | {"FLASK_PREVIOUS_SECRET_KEYS": before}).test_client()
    assert said(register(rotated, "ada", email="new@example.com")) == TAKEN
    assert register(make_app(new).test_client(), "ada", email="new@example.com").status_code == 201


def test_name_freed_while_a_registration_hashes_is_refused(make_app: AppFactory) -> None:
    hasher = Interrupted()
    app = make_app(hasher=hasher)
    client, other = app.test_client(), app.test_client()
    access = signed_in(other)["access_token"]
    # The name is free when the registration begins, and taken and freed before it ends.
    hasher.meanwhile = lambda: [rename(other, access, name) for name in ("eve", "lovelace")]
    assert said(register(client, "eve")) == (409, "account_taken")
    assert [row["username"] for row in rows(app, "SELECT username FROM users")] == ["lovelace"]


@pytest.mark.both_databases(slow=True)
def test_concurrent_rename_and_registration_never_share_a_name(app: Flask) -> None:
    access = signed_in(app.test_client())["access_token"]
    owner, stranger = app.test_client(), app.test_client()
    for number in range(5):
        name, new = f"ada{number - 1}" if number else "ada", f"ada{number}"
        calls: list[Callable[[], tuple[int, str]]] = [
            partial(rename, owner, access, new),
            partial(register_as, stranger, name, f"eve{number}@example.com"),
        ]
        renamed, registered = at_once(calls)
        assert renamed == (200, "")
        assert registered in {TAKEN, (409, "account_taken")}

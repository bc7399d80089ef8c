"""Imports that meet accounts of this service: registered, confirmed, reserved, and their expiry."""

from collections.abc import Iterable
from functools import partial
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from auth.accounts import registration
from auth.admin import account_expiry
from auth.admin.account_expiry import Caller
from auth.revocation import usernames
from auth.stores import users
from auth.transfer.candidates import Candidate
from tests.conftest import AppFactory
from tests.support.imports import account, imported, reported
from tests.support.requests import DAY, OPERATOR, confirmed, moved, prune
from tests.support.roles import define, grant
from tests.support.service import PASSWORD, FixedClock, events, execute, login, register, rows, signed_in
from utils.mail.mailers import MemoryMailer
from utils.services import Services, services

pytestmark = pytest.mark.both_databases(slow=True)
USERS = "SELECT id, username, origin FROM users ORDER BY id"
MAIL = {"MAIL_URL": "file:unused"}


@pytest.fixture
def mailing(make_app: AppFactory) -> Flask:
    return make_app(MAIL, mailer=MemoryMailer())


def test_unconfirmed_account_is_refused_or_replaced(app: Flask, tmp_path: Path) -> None:
    access = signed_in(app.test_client())["access_token"]
    (found,) = reported(app, tmp_path, account("ada", username="lovelace"))
    assert (found["state"], found["fault"]) == ("refused", "unconfirmed_account")
    assert "--replace-unconfirmed" in found["fields"]["email"]
    assert "user_id" not in found
    options = ["--replace-unconfirmed", "--trust-verified"]
    (found,) = reported(
        app, tmp_path, account("ada", username="lovelace", email_verified=True), options=options
    )
    assert (found["state"], found["user_id"], found["username"]) == ("created", 2, "lovelace")
    assert rows(app, USERS) == [{"id": 2, "username": "lovelace", "origin": "imported"}]
    assert events(app)[-2:] == ["account_erased", "accounts_imported"]
    me = app.test_client().get("/auth/me", headers={"Authorization": f"Bearer {access}"})
    assert me.status_code == 401


def test_confirmed_account_is_left_as_it_is(mailing: Flask, tmp_path: Path) -> None:
    confirmed(mailing)
    before = rows(mailing, "SELECT * FROM users")
    (found,) = reported(mailing, tmp_path, account("ada"), options=["--replace-unconfirmed"])
    assert (found["state"], found["user_id"]) == ("exists", 1)
    assert rows(mailing, "SELECT * FROM users") == before


def test_account_of_an_operator_or_with_a_role_is_not_replaced(make_app: AppFactory, tmp_path: Path) -> None:
    app = make_app({"NEW_ACCOUNT_ROLES": "member"})
    for name in ("editor", "member"):
        define(app, name, "reports:read")
    with app.app_context():
        registration.create_by_operator(
            services(),
            username="ada",
            email="ada@example.com",
            password=PASSWORD,
            operator="root",
            client=OPERATOR.client,
        )
    for name in ("grace", "mary"):
        register(app.test_client(), name)
    grant(app, "grace", "editor")
    lines = [account(name) for name in ("ada", "grace", "mary")]
    found = reported(app, tmp_path, *lines, options=["--replace-unconfirmed"])
    assert [line["state"] for line in found] == ["refused", "refused", "created"]


def test_dry_run_erases_no_account(app: Flask, tmp_path: Path) -> None:
    register(app.test_client())
    options = ["--replace-unconfirmed", "--dry-run"]
    (found,) = reported(app, tmp_path, account("ada"), options=options)
    assert found["state"] == "created"
    assert rows(app, USERS) == [{"id": 1, "username": "ada", "origin": "registered"}]


def test_address_that_may_be_taken_back_is_refused(mailing: Flask, tmp_path: Path, clock: FixedClock) -> None:
    confirmed(mailing)
    access = login(mailing.test_client()).get_json()["access_token"]
    assert moved(mailing, access).status_code == 200
    line = account("ada", username="other")
    (found,) = reported(mailing, tmp_path, line)
    assert (found["state"], found["fault"]) == ("refused", "email_taken")
    clock.advance(73 * 3600)
    assert imported(mailing, line)["created"] == 1


def test_name_that_was_given_up_is_not_given_to_another(app: Flask, tmp_path: Path) -> None:
    access = signed_in(app.test_client())["access_token"]
    renamed = app.test_client().patch(
        "/auth/me", json={"username": "lovelace"}, headers={"Authorization": f"Bearer {access}"}
    )
    assert renamed.status_code == 200
    (found,) = reported(app, tmp_path, account("new", username="ada"))
    assert (found["state"], found["username"]) == ("created", "new")


def test_name_and_address_given_up_while_the_insert_waits_are_not_taken(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first look finds both free; the second one, after the insert, does not."""
    asked = {"names": 0, "addresses": 0}

    def kept(*_: object) -> set[str]:
        asked["names"] += 1
        return {"ada"} if asked["names"] == 2 else set()

    def reserved(_tx: object, keys: object, _now: object) -> set[str]:
        asked["addresses"] += 1
        return {"grace@example.com"} if asked["addresses"] > 1 else set()

    monkeypatch.setattr(usernames, "kept_among", kept)
    monkeypatch.setattr("auth.transfer.import_accounts.one_time_tokens.reserved_among", reserved)
    found = reported(app, tmp_path, account("ada"), account("grace"))
    assert [line["state"] for line in found] == ["created", "refused"]
    assert found[1]["fault"] == "email_taken"
    assert [row["username"] for row in rows(app, USERS)] == ["ada"]


def test_registration_that_is_faster_wins(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An account that appears between the look and the insert is found by the unique key."""
    from auth.transfer import names

    assign = names.assign
    calls: list[int] = []

    def late(services: Services, tx: Session, candidates: Iterable[Candidate]) -> dict[str, str]:
        if not calls:
            calls.append(1)
            now = services.clock.now()
            users.add(tx, username="x", email="ada@example.com", password_hash=None, now=now)
        return assign(services, tx, candidates)

    monkeypatch.setattr("auth.transfer.import_accounts.names.assign", late)
    found = reported(app, tmp_path, account("ada"), account("grace"))
    assert [line["state"] for line in found] == ["refused", "created"]
    assert found[0]["fault"] == "unconfirmed_account"


@pytest.mark.parametrize("required", ["false", "true"])
def test_imported_account_is_never_erased_for_being_unconfirmed(
    make_app: AppFactory, clock: FixedClock, required: str
) -> None:
    app = make_app(MAIL | {"REQUIRE_VERIFIED_EMAIL": required}, mailer=MemoryMailer())
    imported(app, *(account(name, created_at="2015-01-01T00:00:00Z") for name in ("ada", "grace")))
    register(app.test_client(), "stranger")
    clock.advance(8 * DAY)
    assert prune(app)["users"] == 1
    clock.advance(400 * DAY)
    assert prune(app)["users"] == 0
    assert [row["username"] for row in rows(app, USERS)] == ["ada", "grace"]


def test_account_of_an_operator_or_ever_with_a_role_stays_where_addresses_must_be_confirmed(
    make_app: AppFactory, clock: FixedClock
) -> None:
    app = make_app(MAIL | {"REQUIRE_VERIFIED_EMAIL": "true"}, mailer=MemoryMailer())
    define(app, "editor", "reports:read")
    for name in ("ada", "grace"):
        register(app.test_client(), name)
    execute(app, "UPDATE users SET origin = 'operator' WHERE username = 'ada'")
    grant(app, "grace", "editor")
    execute(app, "DELETE FROM user_roles")  # taken away again
    register(app.test_client(), "stranger")
    clock.advance(8 * DAY)
    dry = partial(app.test_cli_runner().invoke, args=["auth", "prune", "--dry-run"])
    assert "1 account would be erased." in dry().stdout
    assert prune(app)["users"] == 1
    assert [row["username"] for row in rows(app, USERS)] == ["ada", "grace"]


def test_used_account_expires_where_addresses_must_be_confirmed(
    make_app: AppFactory, clock: FixedClock
) -> None:
    """Slices erase and decide in turn: deciding must not keep what is due."""
    app = make_app(MAIL, mailer=MemoryMailer())
    for number in range(3):
        register(app.test_client(), f"user{number}")
    clock.advance(DAY + 1)
    for number in range(3):
        assert login(app.test_client(), f"user{number}").status_code == 200
    clock.advance(8 * DAY)
    strict = make_app(MAIL | {"REQUIRE_VERIFIED_EMAIL": "true"}, mailer=MemoryMailer())
    with strict.app_context():
        assert account_expiry.erase_untouched(services(), Caller(OPERATOR.client)) == (0, 0, 0)
    assert prune(strict)["users"] == 3

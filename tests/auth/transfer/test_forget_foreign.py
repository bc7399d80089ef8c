"""The command `forget-foreign`: imported hashes that were never used are removed."""

from pathlib import Path

import pytest
from flask import Flask
from werkzeug.security import generate_password_hash

from auth.transfer import foreign
from tests.auth.transfer.test_import_logins import keyed
from tests.support.imports import FIREBASE, FIREBASE_HASH, FIREBASE_PASSWORD, account, imported
from tests.support.requests import DAY, forget, post
from tests.support.service import PASSWORD, FixedClock, events, login, register, rows

pytestmark = pytest.mark.both_databases


def forgotten(app: Flask, before: str) -> str:
    result = app.test_cli_runner().invoke(args=["auth", "forget-foreign", "--before", before])
    assert result.exit_code == 0, result.output
    return str(result.stdout)


def without_password(app: Flask) -> list[str]:
    found = rows(app, "SELECT username FROM users WHERE password_hash IS NULL ORDER BY id")
    return [row["username"] for row in found]


def test_hashes_that_were_never_used_are_removed(
    app: Flask, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foreign, "BATCH", 2)
    imported(app, *(account(f"user{number}") for number in range(5)))
    imported(app, account("flask", password_hash=generate_password_hash(PASSWORD, "scrypt:256:8:1")))
    register(app.test_client(), "own")
    assert login(app.test_client(), "user1").status_code == 200
    clock.advance(DAY)
    imported(app, account("late"))
    assert forgotten(app, "2026-03-01") == "Removed 0 password hashes.\n"
    assert forgotten(app, "2026-03-02") == "Removed 4 password hashes.\n"
    assert without_password(app) == ["user0", "user2", "user3", "user4"]
    assert login(app.test_client(), "user0").status_code == 401
    for name in ("user1", "flask", "own", "late"):
        assert login(app.test_client(), name).status_code == 200
    assert events(app).count("foreign_hashes_forgotten") == 2
    sql = "SELECT count, user_id FROM audit_events WHERE event = 'foreign_hashes_forgotten' ORDER BY id DESC"
    assert rows(app, sql)[0] == {"count": 4, "user_id": None}


def test_owner_sets_a_new_password_by_mail(app: Flask, clock: FixedClock) -> None:
    imported(app, account())
    clock.advance(DAY)
    forgotten(app, "2026-03-02")
    token = forget(app)
    assert (
        post(app.test_client(), "password/reset", token=token, password="a new long one").status_code == 200
    )
    assert login(app.test_client(), password="a new long one").status_code == 200


def test_key_of_a_project_is_removed_with_the_last_hash_that_needs_it(
    app: Flask, clock: FixedClock, tmp_path: Path
) -> None:
    options = keyed(tmp_path, "--firebase-params", FIREBASE)
    imported(app, *(account(name, password_hash=FIREBASE_HASH) for name in ("ada", "grace")), options=options)
    forgotten(app, "2026-03-01")
    assert len(rows(app, "SELECT id FROM foreign_hash_keys")) == 1
    assert login(app.test_client(), password=FIREBASE_PASSWORD).status_code == 200
    clock.advance(DAY)
    forgotten(app, "2026-03-02")
    assert rows(app, "SELECT id FROM foreign_hash_keys") == []


def test_date_must_be_a_day(app: Flask) -> None:
    for words in (["--before", "yesterday"], []):
        assert app.test_cli_runner().invoke(args=["auth", "forget-foreign", *words]).exit_code == 2

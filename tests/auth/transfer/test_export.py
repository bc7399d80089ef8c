"""The command `export`: all accounts as lines that `import` takes."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask

from auth.transfer import export_accounts
from tests.conftest import AppFactory, new_sqlite
from tests.support.imports import HASH, account, imported, run_import
from tests.support.requests import OPERATOR, confirm_addresses
from tests.support.roles import define, grant
from tests.support.service import FixedClock, events, execute, login, register, rows
from utils.services import services

pytestmark = pytest.mark.both_databases(slow=True)


def run_export(app: Flask, *options: str) -> Result:
    return app.test_cli_runner().invoke(args=["auth", "export", *options])


def exported(app: Flask, *options: str) -> list[dict[str, Any]]:
    result = run_export(app, *options)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.both_databases
def test_export_has_a_line_for_each_account_in_pages(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export_accounts, "PAGE", 2)
    for name in ("ada", "grace", "mary"):
        register(app.test_client(), name)
    define(app, "editor", "reports:read")
    grant(app, "grace", "editor")
    grant(app, "grace", "support")
    execute(app, "UPDATE users SET disabled_at = created_at WHERE id = 3")
    found = exported(app)
    assert [line["username"] for line in found] == ["ada", "grace", "mary"]
    assert found[1] == {
        "id": 2,
        "email": "grace@example.com",
        "username": "grace",
        "email_verified": False,
        "created_at": "2026-03-01T12:00:00Z",
        "disabled": False,
        "roles": ["editor", "support"],
        "locale": None,
        "signup_locale": None,
    }
    assert found[2]["disabled"] is True


def test_hashes_are_exported_on_request_only_and_never_of_blocked_passwords(app: Flask) -> None:
    for name in ("ada", "grace"):
        register(app.test_client(), name)
    execute(app, "UPDATE users SET password_blocked_at = created_at WHERE id = 2")
    hashed = rows(app, "SELECT password_hash FROM users ORDER BY id")[0]["password_hash"]
    assert "scrypt" not in run_export(app).output
    assert [line["password_hash"] for line in exported(app, "--with-hashes")] == [hashed, None]


def test_held_names_and_leaving_accounts_are_not_exported(app: Flask) -> None:
    for name in ("ada", "grace", "mary"):
        register(app.test_client(), name)
    execute(app, "UPDATE users SET deletion_due_at = created_at WHERE id = 1")
    execute(app, "UPDATE users SET email = '' WHERE id = 2")
    assert [line["username"] for line in exported(app)] == ["mary"]


def test_export_is_audited_before_its_first_line(app: Flask) -> None:
    register(app.test_client())
    with app.app_context():
        pages = export_accounts.export_accounts(services(), OPERATOR, with_hashes=True)
        next(iter(pages))
        found = rows(app, "SELECT event, count, detail FROM audit_events ORDER BY id DESC LIMIT 1")
    assert found == [{"event": "accounts_exported", "count": 1, "detail": "with hashes"}]
    assert events(app).count("accounts_exported") == 1


def test_summary_is_on_standard_error(app: Flask) -> None:
    register(app.test_client())
    assert run_export(app).stderr == "Exported 1 account.\n"
    result = run_export(app, "--json")
    assert json.loads(result.stderr) == {"exported": 1}
    assert len(result.stdout.splitlines()) == 1


def test_export_and_import_give_the_same_accounts(
    make_app: AppFactory, sqlite_template: Path, tmp_path: Path, clock: FixedClock
) -> None:
    app = make_app()
    define(app, "editor", "reports:read")
    for name in ("ada", "Grace"):
        register(app.test_client(), name)
    confirm_addresses(app)
    grant(app, "ada", "editor")
    imported(app, account("mary", created_at="2015-01-01T00:00:00Z", disabled=True, locale="en"))
    execute(app, "UPDATE users SET locale = 'en', signup_locale = 'de' WHERE username = 'ada'")
    lines = exported(app, "--with-hashes")
    other = make_app({"DATABASE_URI": new_sqlite(sqlite_template, tmp_path)})
    define(other, "editor", "reports:read")
    register(other.test_client(), "first")
    options = ["--trust-verified", "--roles"]
    assert run_import(other, lines, *options).exit_code == 0
    again = exported(other, "--with-hashes")[1:]
    assert [line | {"id": 0} for line in again] == [line | {"id": 0} for line in lines]
    assert login(other.test_client()).status_code == 200
    assert [line["password_hash"] for line in lines][2] == HASH

"""Lines of an import: what they become, and why they are refused."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.support.imports import HASH, account, imported, reported
from tests.support.requests import asked
from tests.support.roles import define
from tests.support.service import PASSWORD, START, FixedClock, events, execute, login, rows

USERS = "SELECT * FROM users ORDER BY id"


def refusal(
    app: Flask, folder: Path, line: dict[str, Any] | str, *options: str
) -> tuple[str, dict[str, str]]:
    """Import a line that is refused; return its fault and fields."""
    (found,) = reported(app, folder, line, options=options)
    assert (found["line"], found["state"]) == (1, "refused")
    assert rows(app, USERS) == []
    return found["fault"], found.get("fields", {})


@pytest.mark.both_databases
def test_imported_account_has_the_fields_of_its_line(app: Flask, clock: FixedClock) -> None:
    line = account(created_at="2015-03-01T13:00:00+01:00", disabled=True, email_verified=True, id=4711)
    assert imported(app, line) == {
        "lines": 1,
        "created": 1,
        "exists": 0,
        "refused": 0,
        "faults": {},
        "notes": {},
        "dry_run": False,
    }
    (user,) = rows(app, USERS)
    assert (user["username"], user["username_key"]) == ("ada", "ada")
    assert (user["email"], user["email_key"]) == ("ada@example.com", "ada@example.com")
    assert (user["password_hash"], user["origin"]) == (HASH, "imported")
    assert str(user["created_at"]).startswith("2015-03-01 12:00")
    assert str(user["disabled_at"]).startswith(f"{START:%Y-%m-%d %H:%M}")
    assert user["email_verified_at"] is None
    assert (user["failures"], user["terms_version"]) == (0, None)
    assert rows(app, "SELECT id FROM outbox") == []  # no mail is sent


def test_each_batch_is_audited_with_its_count_and_the_operator(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth.transfer.import_accounts.BATCH", 2)
    imported(app, *(account(name) for name in ("ada", "grace", "mary")))
    found = rows(app, "SELECT event, count, user_id FROM audit_events WHERE operator IS NOT NULL ORDER BY id")
    assert [tuple(row.values()) for row in found] == [("accounts_imported", n, None) for n in (2, 1)]


@pytest.mark.both_databases
def test_import_that_is_repeated_changes_nothing(app: Flask, tmp_path: Path) -> None:
    lines = [account("ada"), account("grace")]
    imported(app, *lines)
    before = rows(app, USERS)
    again = reported(app, tmp_path, *lines, account("mary"))
    assert [(line["state"], line["user_id"]) for line in again] == [
        ("exists", 1),
        ("exists", 2),
        ("created", 3),
    ]
    assert rows(app, USERS)[:2] == before


def test_address_that_is_repeated_in_a_file_is_imported_once(app: Flask, tmp_path: Path) -> None:
    lines = [account("ada"), account("ada", email="ADA@example.com", username="other")]
    found = reported(app, tmp_path, *lines)
    assert [(line["state"], line["user_id"]) for line in found] == [("created", 1), ("exists", 1)]


def test_id_of_the_file_is_reported_and_never_used(app: Flask, tmp_path: Path) -> None:
    imported(app, account("first"))
    found = reported(app, tmp_path, account("ada", id=1), account("grace", id="a-uuid"))
    assert [(line["id"], line["user_id"]) for line in found] == [(1, 2), ("a-uuid", 3)]
    assert [row["username"] for row in rows(app, USERS)] == ["first", "ada", "grace"]


def test_verified_address_counts_with_trust_verified_only(app: Flask) -> None:
    imported(app, account("ada", email_verified=True))
    imported(app, account("grace", email_verified=True), account("mary"), options=["--trust-verified"])
    verified = [row["username"] for row in rows(app, USERS) if row["email_verified_at"]]
    assert verified == ["grace"]


JSON_INVALID = [
    "{",
    "[]",
    "1",
    '"text"',
    '{"email": "a@b.c", "email": "d@e.f"}',
    '{"email": NaN}',
    "\udcff" * 3,
]


@pytest.mark.parametrize("line", JSON_INVALID[:-1])
def test_line_that_is_no_object_is_refused(app: Flask, tmp_path: Path, line: str) -> None:
    assert refusal(app, tmp_path, line) == ("json_invalid", {})


@pytest.mark.parametrize(
    ("more", "fault", "field"),
    [
        ({"email": None}, "missing_fields", "email"),
        ({"email": ""}, "missing_fields", "email"),
        ({"password_hash": None}, "missing_fields", "password_hash"),
        ({"email": "ada"}, "validation_failed", "email"),
        ({"email": 7}, "validation_failed", "email"),
        ({"email_verified": "true"}, "validation_failed", "email_verified"),
        ({"disabled": 1}, "validation_failed", "disabled"),
        ({"created_at": "2015-03-01T12:00:00"}, "validation_failed", "created_at"),
        ({"created_at": "yesterday"}, "validation_failed", "created_at"),
        ({"created_at": 1425211200}, "validation_failed", "created_at"),
        ({"created_at": "1969-12-31T23:59:59Z"}, "validation_failed", "created_at"),
        ({"created_at": "0001-01-01T00:00:00+23:00"}, "validation_failed", "created_at"),
        ({"created_at": "2026-03-01T12:00:01Z"}, "validation_failed", "created_at"),
        ({"roles": "editor"}, "validation_failed", "roles"),
        ({"roles": ["editor"] * 21}, "validation_failed", "roles"),
        ({"id": True}, "validation_failed", "id"),
        ({"id": "x" * 129}, "validation_failed", "id"),
        ({"username": "x" * 513}, "validation_failed", "username"),
        ({"passwordHash": HASH}, "validation_failed", "passwordHash"),
        ({"password": PASSWORD}, "validation_failed", "password"),
    ],
)
def test_line_with_a_fault_is_refused(
    app: Flask, tmp_path: Path, more: dict[str, Any], fault: str, field: str
) -> None:
    found, fields = refusal(app, tmp_path, account(**more))
    assert (found, [*fields]) == (fault, [field])
    assert PASSWORD not in str(fields)
    assert HASH not in str(fields)


def test_name_of_an_unknown_field_is_cut(app: Flask, tmp_path: Path) -> None:
    _, fields = refusal(app, tmp_path, account() | {"x" * 1000: 1})
    assert fields == {"x" * 60: "is unknown"}


@pytest.mark.parametrize(
    ("hashed", "fault"),
    [
        (PASSWORD, "hash_unknown"),
        ("x" * 256, "hash_unknown"),
        ("5f4dcc3b5aa765d61d8327deb882cf99", "hash_weak"),
        (f"$2b$15${'.' * 53}", "hash_too_costly"),
        (f"$argon2id$v=19$m=4194304,t=2,p=1${'A' * 22}${'A' * 43}", "hash_too_costly"),
        ("scrypt:1073741824:8:1$salt$digest", "hash_too_costly"),
        (f"scrypt:262144:8:7$salt${'a' * 128}", "hash_too_costly"),
        (f"pbkdf2:sha256:1$salt${'a' * 64}", "hash_weak"),
        (f"$firescrypt$AAAA${'A' * 86}==", "hash_key_missing"),
        (f"$firescrypt$0123456789ab$AAAA${'A' * 86}==", "hash_key_missing"),
        (f"$flask-security$0123456789ab{HASH}", "hash_key_missing"),
    ],
)
def test_hash_that_is_not_taken_is_refused_with_its_reason(
    app: Flask, tmp_path: Path, hashed: str, fault: str
) -> None:
    found, fields = refusal(app, tmp_path, account(password_hash=hashed))
    assert (found, [*fields]) == (fault, ["password_hash"])
    assert hashed not in str(fields)
    (line,) = reported(app, tmp_path, account(password_hash=hashed), options=["--without-password"])
    assert (line["state"], line["notes"]) == ("created", ["without_password"])
    assert rows(app, USERS)[0]["password_hash"] is None


def test_account_without_a_hash_is_imported_without_password(app: Flask, client: FlaskClient) -> None:
    lines = [account("ada", password_hash=None), account("grace")]
    assert imported(app, *lines, options=["--without-password"])["notes"] == {"without_password": 1}
    assert login(client, "ada").status_code == 401
    assert login(client, "grace").status_code == 200


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Ada.L", "Ada.L"),
        (None, "ada"),
        ("admin", "ada"),
        ("ada lovelace", "ada"),
        ("ada@example.com", "ada"),
        ("payp\u0430l", "ada"),
        ("x" * 81, "ada"),
    ],
)
def test_name_that_the_rules_refuse_is_replaced_and_reported(
    app: Flask, tmp_path: Path, name: str | None, expected: str
) -> None:
    (line,) = reported(app, tmp_path, account(username=name))
    assert (line["username"], rows(app, USERS)[0]["username"]) == (expected, expected)
    assert line.get("notes", []) == (["username_changed"] if name not in {None, expected} else [])


@pytest.mark.both_databases
def test_name_that_is_taken_is_replaced_and_reported(app: Flask, tmp_path: Path) -> None:
    imported(app, account("ada"))
    lines = [
        account("x", username=name) | {"email": f"{n}@example.com"}
        for n, name in enumerate(["ADA", "bo", "Bo"])
    ]
    found = reported(app, tmp_path, *lines, account("info", username=None))
    names = [line["username"] for line in found]
    assert names[:3] == ["0", "bo", "2"]
    assert names[3].startswith("info")
    assert names[3] != "info"  # reserved
    assert [line.get("notes") for line in found] == [["username_changed"], None, ["username_changed"], None]


def test_role_that_does_not_exist_is_refused(app: Flask, tmp_path: Path) -> None:
    found = refusal(app, tmp_path, account(roles=["unknown"]), "--roles")
    assert found == ("role_not_found", {"roles": "has a role that does not exist"})
    assert imported(app, account(roles=["unknown"]))["created"] == 1  # without --roles they do not count


@pytest.mark.parametrize("role", ["admin", "support"])
def test_role_with_a_permission_of_the_service_is_refused(app: Flask, tmp_path: Path, role: str) -> None:
    fault, fields = refusal(app, tmp_path, account(roles=[role]), "--roles")
    assert (fault, [*fields]) == ("role_refused", ["roles"])
    assert rows(app, "SELECT * FROM user_roles") == []


@pytest.mark.both_databases
def test_roles_are_given_with_the_option_only(make_app: AppFactory) -> None:
    app = make_app({"NEW_ACCOUNT_ROLES": "member,missing"})
    for name in ("editor", "member"):
        define(app, name, "reports:read")
    imported(app, account("ada", roles=["editor"]))
    imported(app, account("grace", roles=["editor", "editor", "member"]), options=["--roles"])
    sql = "SELECT user_id, name, granted_by FROM user_roles JOIN roles ON roles.id = role_id ORDER BY 1, 2"
    found = [tuple(row.values()) for row in rows(app, sql)]
    assert found == [(1, "member", None), (2, "editor", None), (2, "member", None)]


def test_role_for_new_accounts_that_got_a_permission_of_the_service_is_not_given(
    make_app: AppFactory,
) -> None:
    app = make_app({"NEW_ACCOUNT_ROLES": "member"})
    define(app, "member", "reports:read")
    execute(app, "INSERT INTO role_permissions SELECT id, 'auth:view' FROM roles WHERE name = 'member'")
    assert imported(app, account())["created"] == 1
    assert rows(app, "SELECT * FROM user_roles") == []


@pytest.mark.both_databases
def test_dry_run_says_what_an_import_would_do_and_stores_nothing(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auth.transfer.import_accounts.BATCH", 2)
    imported(app, account("ada"))
    lines = [account("ada"), account("grace"), account("mary", email="x"), account("grace"), account("grace")]
    found = reported(app, tmp_path, *lines, options=["--dry-run"])
    assert [line["state"] for line in found] == ["exists", "created", "refused", "exists", "exists"]
    assert [line.get("user_id") for line in found] == [1, None, None, None, None]
    assert len(rows(app, USERS)) == 1
    assert events(app) == ["accounts_imported"] * 2
    sql = "SELECT count, detail FROM audit_events ORDER BY id DESC LIMIT 1"
    assert rows(app, sql) == [{"count": 0, "detail": "dry run"}]
    assert [line["state"] for line in reported(app, tmp_path, *lines)] == [line["state"] for line in found]


@pytest.mark.both_databases
def test_role_lock_is_taken_before_anything_is_read(app: Flask) -> None:
    """Imports take turns, and on SQLite a transaction that reads first could not write later."""
    with asked(app) as statements:
        imported(app, account())
    first = next(sql for sql in statements if not sql.startswith("SET LOCAL"))
    assert first.startswith("UPDATE roles SET description")


@pytest.mark.both_databases
@pytest.mark.parametrize(
    "hashed",
    [
        "scrypt:256:8:1$sa\0lt$" + "ab" * 64,
        "pbkdf2:sha256:1000$sält$" + "ab" * 32,
        "scrypt:256:8:1$salt$é",
        "pbkdf2:sha256:1000$salt$aa",
    ],
)
def test_hash_with_signs_or_length_of_no_hash_is_refused(app: Flask, tmp_path: Path, hashed: str) -> None:
    assert refusal(app, tmp_path, account(password_hash=hashed))[0].startswith("hash_")


@pytest.mark.both_databases
def test_role_with_a_character_that_no_name_has_is_refused(app: Flask, tmp_path: Path) -> None:
    assert refusal(app, tmp_path, account(roles=["a\0"]), "--roles")[0] == "role_not_found"

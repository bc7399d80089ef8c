"""The commands for roles: output, exit codes, one audit event each."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from auth.roles.cli import NO_ADMINISTRATOR
from tests.conftest import AppFactory
from tests.support.commands import asked, auth
from tests.support.requests import DAY, prune
from tests.support.service import FixedClock, register, rows, signed_in


@pytest.mark.both_databases
def test_role_is_defined_granted_listed_taken_and_deleted(app: Flask, client: FlaskClient) -> None:
    register(client)
    defined = asked(
        app,
        "define-role",
        "editor",
        "--allow",
        "texts:write",
        "--allow",
        "texts:read",
        "--description",
        "Texts",
    )
    role = {"name": "editor", "description": "Texts", "permissions": ["texts:read", "texts:write"]}
    assert defined == {"role": role | {"accounts": 0}}
    assert asked(app, "grant", "ada", "editor") == {"changed": True}
    assert asked(app, "grant", "ada@example.com", "editor") == {"changed": False}
    listed = asked(app, "roles")["roles"]
    assert [each["name"] for each in listed] == ["admin", "editor", "support"]
    assert listed[1] == role | {"accounts": 1}
    assert auth(app, "delete-role", "editor").exit_code == 1
    assert asked(app, "revoke", "1", "editor") == {"changed": True}
    assert asked(app, "revoke", "1", "editor") == {"changed": False}
    assert asked(app, "define-role", "editor", "--deny", "texts:write")["role"]["permissions"] == [
        "texts:read"
    ]
    assert asked(app, "delete-role", "editor") == {"deleted": "editor"}
    sql = "SELECT event, user_id, detail FROM audit_events WHERE operator IS NOT NULL ORDER BY id"
    assert [tuple(row.values()) for row in rows(app, sql)] == [
        ("role_defined", None, "editor"),
        ("role_granted", 1, "editor"),
        ("roles_listed", None, None),
        ("role_revoked", 1, "editor"),
        ("role_defined", None, "editor"),
        ("role_deleted", None, "editor"),
    ]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["grant", "ada", "nothing"], "There is no such role."),
        (["revoke", "ada", "nothing"], "There is no such role."),
        (["grant", "bob", "admin"], "There is no such user."),
        (["delete-role", "nothing"], "There is no such role."),
        (["delete-role", "admin"], "built in"),
        (["define-role", "admin", "--allow", "reports:read"], "built in"),
        (["define-role", "Editor", "--allow", "reports:read"], "The name of a role"),
        (["define-role", "e" * 61, "--allow", "reports:read"], "The name of a role"),
        (["define-role", "editor", "--allow", "reports"], "thing:verb"),
        (["define-role", "editor", "--allow", "reports:*"], "thing:verb"),
        (["define-role", "editor", "--allow", "auth:everything"], "thing:verb"),
        (["define-role", "editor", "--allow", "a:b", "--deny", "a:b"], "both allowed and denied"),
    ],
)
def test_wrong_input_is_refused_with_a_reason_and_changes_nothing(
    app: Flask, client: FlaskClient, words: list[str], said: str
) -> None:
    register(client)
    before = rows(app, "SELECT name FROM roles"), rows(app, "SELECT role_id FROM user_roles")
    result = auth(app, *words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert (rows(app, "SELECT name FROM roles"), rows(app, "SELECT role_id FROM user_roles")) == before


def test_role_has_a_hundred_permissions_at_most(app: Flask) -> None:
    many = [word for number in range(100) for word in ("--allow", f"thing-{number}:read")]
    assert auth(app, "define-role", "editor", *many).exit_code == 0
    refused = auth(app, "define-role", "editor", "--allow", "one:more")
    assert (refused.exit_code, "a hundred" in refused.stderr) == (1, True)
    assert len(asked(app, "roles")["roles"][1]["permissions"]) == 100


def test_account_has_twenty_roles_at_most(app: Flask, client: FlaskClient) -> None:
    register(client)
    for number in range(21):
        auth(app, "define-role", f"role-{number}")
    assert [auth(app, "grant", "ada", f"role-{number}").exit_code for number in range(21)] == [0] * 20 + [1]
    assert "twenty roles" in auth(app, "grant", "ada", "role-20").stderr
    assert auth(app, "grant", "ada", "role-3").exit_code == 0  # it has it


def test_first_administrator_is_made_at_the_command_line(app: Flask, client: FlaskClient) -> None:
    signed_in(client)
    assert auth(app, "grant", "ada", "admin").stdout == "Granted the role admin to ada.\n"


@pytest.mark.parametrize("command", ["revoke", "disable", "lock-out"])
def test_loss_of_the_last_administrator_is_warned_of(
    make_app: AppFactory, tmp_path: Path, command: str
) -> None:
    app = make_app({"MAIL_URL": f"file:{tmp_path}"})
    client, role = app.test_client(), ["admin"] if command == "revoke" else []
    for name in ("ada", "bob", "eve"):
        register(client, name)
    for name in ("ada", "bob"):
        auth(app, "grant", name, "admin")
    assert auth(app, command, "ada", *role).stderr == ""
    warned = auth(app, command, "bob", *role)
    assert (warned.exit_code, warned.stderr) == (0, f"{NO_ADMINISTRATOR}\n")
    for name in ("bob", "eve"):  # there was none before
        assert "Warning" not in auth(app, command, name, *role).stderr


def test_account_that_had_a_role_does_not_expire_unconfirmed(
    make_app: AppFactory, clock: FixedClock, tmp_path: Path
) -> None:
    app = make_app({"MAIL_URL": f"file:{tmp_path}"})
    client = app.test_client()
    register(client)
    register(client, "bob")
    auth(app, "define-role", "editor", "--allow", "reports:read")
    auth(app, "grant", "ada", "editor")
    auth(app, "revoke", "ada", "editor")
    clock.advance(30 * DAY)
    prune(app)
    assert [row["username"] for row in rows(app, "SELECT username FROM users")] == ["ada"]

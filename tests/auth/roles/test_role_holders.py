"""Changes of a role that accounts have: a permission of the service is a grant to each of them."""

from collections.abc import Collection

import pytest
from flask import Flask

from auth.roles import actors, definitions, holders
from tests.support import mailbox
from tests.support.administrators import administrator, refusal
from tests.support.requests import OPERATOR, confirm_addresses
from tests.support.roles import define, grant
from tests.support.service import execute, register, rows, signed_in
from utils.services import services

MAILS = "SELECT template, user_id FROM outbox WHERE template LIKE 'role%' ORDER BY id"
GRANTS = "SELECT user_id, actor_id, detail FROM audit_events WHERE event = 'role_granted' ORDER BY id"


@pytest.fixture
def team(app: Flask) -> Flask:
    """An app with ada (1) and eve (3), who have the role `admin`, bob (2) with `editor`, mary (4)."""
    for name in ("ada", "bob", "eve", "mary"):
        signed_in(app.test_client(), name)
    confirm_addresses(app)
    define(app, "editor", "reports:read")
    for name, role in (("ada", "admin"), ("eve", "admin"), ("bob", "editor")):
        grant(app, name, role)
    execute(app, "DELETE FROM outbox")
    execute(app, "DELETE FROM audit_events")
    return app


def change(
    app: Flask,
    name: str = "editor",
    *,
    allow: Collection[str] = (),
    deny: Collection[str] = (),
    actor: actors.Actor = OPERATOR,
) -> str:
    """Change a role; return the code of the refusal, or an empty text."""
    return refusal(app, lambda s: definitions.define(s, actor, name, allow=allow, deny=deny))


def listed(app: Flask, sql: str) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in rows(app, sql)]


def test_permission_of_the_service_in_a_role_is_mailed_and_audited_as_a_grant(team: Flask) -> None:
    grant(team, "mary", "editor")
    execute(team, "DELETE FROM audit_events")
    assert change(team, allow=["auth:view"], actor=administrator(team, 1)) == ""
    assert listed(team, MAILS) == [("role_granted", 2), ("role_granted", 4), ("role_granted_to_other", 3)]
    assert listed(team, GRANTS) == [(2, 1, "editor"), (4, 1, "editor")]
    told = "The role editor of your account at AxiomTech was given more permissions on"
    assert told in mailbox.text_of(mailbox.newest(team, "role_granted", "bob@example.com"))
    told = "Accounts that have it: 2, 4."
    assert told in mailbox.text_of(mailbox.newest(team, "role_granted_to_other", "eve@example.com"))


def test_permission_of_the_service_taken_from_a_role_is_mailed(team: Flask) -> None:
    assert change(team, allow=["auth:view"]) == ""
    execute(team, "DELETE FROM outbox")
    assert change(team, deny=["auth:view"]) == ""
    assert listed(team, MAILS) == [
        ("role_revoked", 2),
        ("role_revoked_to_other", 1),
        ("role_revoked_to_other", 3),
    ]


@pytest.mark.parametrize("allow", [["reports:write"], ["auth:view"]])
def test_change_that_gives_nothing_of_the_service_is_not_mailed(team: Flask, allow: list[str]) -> None:
    if allow == ["auth:view"]:
        assert change(team, allow=allow) == ""
        execute(team, "DELETE FROM outbox")
    assert change(team, allow=allow) == ""
    assert change(team, "empty", allow=["auth:view"]) == ""  # no account has it
    assert listed(team, MAILS) == []


def test_account_does_not_widen_its_own_role_beyond_its_permissions(team: Flask) -> None:
    grant(team, "ada", "editor")
    actor = administrator(team, 1)
    assert change(team, allow=["reports:write"], actor=actor) == "not_yourself"
    assert change(team, allow=["auth:view"], actor=actor) == ""  # it has this by its role admin
    assert change(team, deny=["reports:read"], actor=actor) == ""
    assert change(team, allow=["reports:write"], actor=administrator(team, 3)) == ""


def test_account_does_not_widen_the_role_of_an_account_with_a_permission_that_it_lacks(team: Flask) -> None:
    define(team, "role-keeper", "auth:roles", "auth:view")
    grant(team, "mary", "role-keeper")
    actor = administrator(team, 4)
    assert change(team, allow=["auth:view"], actor=actor) == ""
    assert change(team, deny=["auth:view"], actor=actor) == ""
    grant(team, "eve", "editor")
    assert change(team, allow=["auth:view"], actor=actor) == "permission_missing"


def test_role_of_many_accounts_gets_no_permission_of_the_service(
    team: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holders, "MAX_HOLDERS", 2)
    for name in ("mary", "eve"):
        grant(team, name, "editor")
    assert change(team, allow=["auth:view"]) == "too_many_holders"
    assert listed(team, GRANTS)[2:] == listed(team, MAILS) == []
    sql = "SELECT permission FROM role_permissions JOIN roles ON roles.id = role_id WHERE name = 'editor'"
    assert listed(team, sql) == [("reports:read",)]
    assert change(team, allow=["reports:write"]) == ""
    monkeypatch.setattr(holders, "MAX_HOLDERS", 3)
    assert change(team, allow=["auth:view"]) == ""
    monkeypatch.setattr(holders, "MAX_HOLDERS", 2)
    execute(team, "DELETE FROM outbox")
    assert change(team, deny=["auth:view"]) == ""  # which is never refused, and mailed to the first ones
    assert [row[1] for row in listed(team, MAILS) if row[0] == "role_revoked"] == [2, 3]


def test_number_that_is_the_name_of_another_account_is_refused(app: Flask) -> None:
    for name in ("ada", "1", "77"):
        assert register(app.test_client(), name).status_code == 201
    execute(app, "UPDATE users SET username = '3', username_key = '3' WHERE username = '77'")

    def found(login: str) -> object:
        with app.app_context():
            return actors.find(services(), login).id

    def refused(login: str) -> str:
        return refusal(app, lambda s: actors.find(s, login))

    assert refused("1") == "ambiguous_login"
    assert (found("id:1"), found("name:1"), found("2"), found("ada")) == (1, 2, 2, 1)
    assert found("3") == 3  # the name of this account
    execute(app, "UPDATE users SET username = '55', username_key = '55' WHERE id = 3")
    assert refused("55") == "ambiguous_login"  # a number is no name, even if no account has the id
    assert found("name:55") == 3
    for login in ("4", "id:4", "id:ada", "id:", "name:", "name:ada@example.com", "id:\u0661", "9" * 40):
        assert refused(login) == "user_not_found", login
    result = app.test_cli_runner().invoke(args=["auth", "grant", "1", "admin"])
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Write id:NUMBER or name:NUMBER." in result.stderr

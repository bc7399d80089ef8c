"""Concurrent changes of roles: one administrator is always left, and no call waits for another for ever."""

from collections.abc import Callable
from functools import partial

import pytest
from flask import Flask

from auth.roles import actors, definitions, grants
from auth.roles.actors import Administrator
from tests.support.administrators import administrator, refusal
from tests.support.requests import OPERATOR
from tests.support.roles import define, grant
from tests.support.service import at_once, execute, rows, signed_in

pytestmark = pytest.mark.both_databases

ADMINISTRATORS, ROUNDS = 8, 10
LEFT = "SELECT user_id FROM user_roles JOIN roles ON roles.id = role_id WHERE name = 'admin'"


def take(app: Flask, actor: Administrator, user_id: int) -> str:
    return refusal(app, lambda s: grants.revoke(s, actor, actors.find(s, str(user_id)), "admin"))


@pytest.mark.slow
def test_administrators_who_revoke_each_others_role_at_once_leave_one(app: Flask) -> None:
    for number in range(ADMINISTRATORS):
        signed_in(app.test_client(), f"admin-{number}")
    with_sessions = [administrator(app, number + 1) for number in range(ADMINISTRATORS)]
    admin_id = rows(app, "SELECT id FROM roles WHERE name = 'admin'")[0]["id"]
    for _ in range(ROUNDS):
        execute(app, "DELETE FROM user_roles")
        sql = "INSERT INTO user_roles (user_id, role_id, granted_at) SELECT id, :role, created_at FROM users"
        execute(app, sql, role=admin_id)
        calls: list[Callable[[], str]] = [
            partial(take, app, actor, (actor.user_id % ADMINISTRATORS) + 1) for actor in with_sessions
        ]
        refusals = at_once(calls)
        assert set(refusals) <= {"", "permission_missing", "last_administrator"}
        assert len(rows(app, LEFT)) == ADMINISTRATORS - refusals.count("") >= 1


def test_two_administrators_who_revoke_each_others_role_leave_one(app: Flask) -> None:
    for name in ("ada", "bob"):
        signed_in(app.test_client(), name)
        grant(app, name, "admin")
    ada, bob = administrator(app, 1), administrator(app, 2)
    refusals = at_once([partial(take, app, ada, 2), partial(take, app, bob, 1)])
    assert sorted(refusals) == ["", "permission_missing"]
    assert len(rows(app, LEFT)) == 1


def test_concurrent_grants_of_one_role_succeed_once(app: Flask) -> None:
    signed_in(app.test_client())
    define(app, "editor", "reports:read")
    assert sorted(at_once([partial(grant, app, "ada", "editor")] * 8)) == [False] * 7 + [True]
    sql = "SELECT event FROM audit_events WHERE event = 'role_granted'"
    assert len(rows(app, sql)) == 1


def test_role_is_deleted_or_granted_but_not_both(app: Flask) -> None:
    signed_in(app.test_client())
    for _ in range(5):
        define(app, "editor", "reports:read")
        delete = partial(_refused, app, "delete")
        outcomes = at_once([delete, partial(_refused, app, "grant")])
        assert outcomes in (["", "role_not_found"], ["role_in_use", ""])
        execute(app, "DELETE FROM user_roles")


def _refused(app: Flask, act: str) -> str:

    if act == "delete":
        return refusal(app, lambda s: definitions.delete(s, OPERATOR, "editor"))
    return refusal(app, lambda s: grants.grant(s, OPERATOR, actors.find(s, "1"), "editor"))

"""The rules for acting on accounts of others, as flows with an operator or an account as the actor."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import pytest
from flask import Flask

from auth.admin import closing, operators
from auth.events import Event
from auth.permissions import AuthPermission
from auth.revocation import revoke
from auth.roles import actors, definitions, grants
from auth.roles.actors import Administrator
from tests.conftest import AppFactory
from tests.support.administrators import CLIENT, administrator, refusal
from tests.support.requests import MINUTE, OPERATOR, confirm_addresses, said
from tests.support.roles import define, grant, prove_factor
from tests.support.service import FixedClock, bearer, execute, login, register, rows, signed_in
from utils.services import services


def acts(actor: actors.Actor, login: str) -> dict[str, Callable[[Any], object]]:
    """Every act on an account of another."""
    return {
        "disable": lambda s: operators.disable(s, login, actor),
        "enable": lambda s: operators.enable(s, login, actor),
        "end sessions": lambda s: operators.end_sessions(s, login, actor),
        "send reset": lambda s: operators.send_reset(s, login, actor),
        "reset factors": lambda s: operators.reset_factors(s, login, actor),
        "stop reset": lambda s: operators.stop_factors_reset(s, login, actor),
        "unblock totp": lambda s: operators.unblock_totp(s, login, actor),
        "lock out": lambda s: operators.lock_out(s, login, actor),
        "close": lambda s: closing.close(s, login, actor),
        "restore": lambda s: closing.restore(s, login, actor),
        "grant": lambda s: grants.grant(s, actor, actors.find(s, login), "editor"),
        "revoke": lambda s: grants.revoke(s, actor, actors.find(s, login), "editor"),
    }


ACTS = sorted(acts(OPERATOR, "bob"))


@pytest.fixture
def three(app: Flask) -> Flask:
    """An app with ada (1), who has the role `admin`, bob (2) and eve (3), all with a session."""
    for name in ("ada", "bob", "eve"):
        signed_in(app.test_client(), name)
    define(app, "editor", "reports:read")
    grant(app, "ada", "admin")
    return app


def refusals(app: Flask, actor: actors.Actor, login: str) -> dict[str, str]:
    """Return the code with which each act is refused. Refusals change nothing: the acts may share an app."""
    return {name: refusal(app, act) for name, act in acts(actor, login).items()}


def test_account_without_the_permission_does_not_act(three: Flask) -> None:
    assert refusals(three, administrator(three, 2), "eve") == dict.fromkeys(ACTS, "permission_missing")


def test_account_that_may_only_support_does_not_close_accounts(three: Flask) -> None:
    grant(three, "bob", "support")
    refused = refusals(three, administrator(three, 2), "eve")
    assert {name for name, code in refused.items() if code == "permission_missing"} == {
        *("close", "restore", "grant", "revoke"),
    }


def test_administrator_does_not_act_on_their_own_account(three: Flask) -> None:
    assert refusals(three, administrator(three, 1), "ada") == dict.fromkeys(ACTS, "not_yourself")


@pytest.mark.parametrize("act", ACTS)
def test_actor_does_not_act_on_an_account_with_a_permission_that_they_lack(three: Flask, act: str) -> None:
    define(three, "role-keeper", "auth:roles", "auth:support", "auth:accounts")
    grant(three, "bob", "role-keeper")
    assert refusal(three, acts(administrator(three, 2), "ada")[act]) == "permission_missing"
    assert refusal(three, acts(administrator(three, 2), "eve")[act]) not in {
        "permission_missing",
        "not_yourself",
    }


def test_act_needs_a_fresh_login(three: Flask, clock: FixedClock) -> None:
    actor = administrator(three, 1)
    clock.advance(11 * MINUTE)
    assert refusals(three, actor, "bob") == dict.fromkeys(ACTS, "reauth_required")


@pytest.mark.parametrize("act", ACTS)
def test_act_needs_a_fresh_factor_where_one_is_required(make_app: AppFactory, act: str) -> None:
    app = make_app({"ADMIN_REQUIRE_SECOND_FACTOR": "true"})
    for name in ("ada", "bob"):
        signed_in(app.test_client(), name)
    define(app, "editor", "reports:read")
    grant(app, "ada", "admin")
    actor = administrator(app, 1)
    assert refusal(app, acts(actor, "bob")[act]) == "reauth_required"
    prove_factor(app)
    assert refusal(app, acts(actor, "bob")[act]) not in {"reauth_required", "permission_missing"}


def test_act_of_an_ended_session_is_refused(three: Flask) -> None:
    actor = administrator(three, 1)
    execute(three, "UPDATE sessions SET ended_at = created_at WHERE user_id = 1")
    assert refusals(three, actor, "bob") == dict.fromkeys(ACTS, "token_invalid")


def test_audit_event_names_the_acting_account(three: Flask) -> None:
    actor = administrator(three, 1)
    for act in ("grant", "revoke", "end sessions", "disable", "enable", "close", "restore"):
        assert refusal(three, acts(actor, "bob")[act]) == ""
    sql = "SELECT event, user_id, actor_id, operator, detail FROM audit_events WHERE actor_id IS NOT NULL"
    found = [tuple(row.values()) for row in rows(three, f"{sql} ORDER BY id")]
    assert found == [
        ("role_granted", 2, 1, None, "editor"),
        ("role_revoked", 2, 1, None, "editor"),
        ("all_sessions_ended", 2, 1, None, None),
        ("account_disabled", 2, 1, None, None),
        ("account_enabled", 2, 1, None, None),
        ("account_closed", 2, 1, None, None),
        ("deletion_stopped", 2, 1, None, None),
    ]


def test_erased_administrator_leaves_no_personal_data_in_events_of_others(three: Flask) -> None:
    grant(three, "eve", "admin")
    assert refusal(three, acts(administrator(three, 1), "bob")["grant"]) == ""
    with three.app_context():
        revoke.erase(services(), services().tx(), 1, Event.ACCOUNT_ERASED, CLIENT)
        services().tx().commit()
    sql = "SELECT ip_address, user_agent, request_id FROM audit_events WHERE actor_id = 1"
    assert [tuple(row.values()) for row in rows(three, sql)] == [(None, "", "")]


def test_permission_of_the_service_is_granted_only_by_an_actor_who_has_it(three: Flask) -> None:
    """Random roles for the actor and the role that is given: rule 1, and its side doors in `define`."""
    random, every = Random(7), sorted(AuthPermission)
    for number in range(30):
        held = {"auth:roles", *random.sample(every, random.randrange(len(every)))}
        given = {"reports:read", *random.sample(every, random.randrange(len(every)))}
        define(three, f"held-{number}", *held)
        define(three, f"given-{number}", *given)
        define(three, f"empty-{number}", "reports:read")
        grant(three, "bob", f"held-{number}")
        actor = administrator(three, 2)
        may = {each for each in given if each.startswith("auth:")} <= held
        expected = "" if may else "permission_missing"
        gives = partial(_give, actor=actor, name=f"given-{number}")
        puts = partial(_put, actor=actor, name=f"empty-{number}", allow=given)
        assert refusal(three, gives) == expected, (held, given)
        assert refusal(three, puts) == expected, (held, given)
        execute(three, "DELETE FROM user_roles WHERE user_id IN (2, 3)")


def _give(s: Any, *, actor: Administrator, name: str) -> bool:
    return grants.grant(s, actor, actors.find(s, "eve"), name)


def _put(s: Any, *, actor: actors.Actor, name: str, allow: set[str]) -> object:
    return definitions.define(s, actor, name, allow=allow)


def test_role_with_a_permission_that_the_actor_lacks_is_not_changed(three: Flask) -> None:
    define(three, "role-keeper", "auth:roles")
    define(three, "mighty", "auth:audit", "reports:read")
    grant(three, "bob", "role-keeper")
    actor = administrator(three, 2)
    assert refusal(three, lambda s: definitions.define(s, actor, "mighty", deny=["auth:audit"])) == (
        "permission_missing"
    )
    assert refusal(three, lambda s: definitions.define(s, actor, "mighty", allow=["reports:write"])) == (
        "permission_missing"
    )
    assert refusal(three, lambda s: definitions.delete(s, actor, "mighty")) == "permission_missing"


def test_last_administrator_is_kept(three: Flask) -> None:
    grant(three, "bob", "admin")
    execute(three, "UPDATE users SET disabled_at = created_at WHERE id = 1")
    grant(three, "eve", "admin")
    actor = administrator(three, 3)

    def take(s: Any) -> bool:
        return grants.revoke(s, actor, actors.find(s, "bob"), "admin")

    assert refusal(three, take) == ""
    grant(three, "bob", "admin")
    execute(three, "UPDATE users SET deletion_due_at = created_at WHERE id = 3")
    assert refusal(three, take) == "last_administrator"
    assert refusal(three, lambda s: operators.disable(s, "bob", actor)) == "last_administrator"
    assert refusal(three, lambda s: closing.close(s, "bob", actor)) == "last_administrator"


def test_last_administrator_does_not_leave(three: Flask) -> None:
    client = three.test_client()
    headers = bearer(login(client, "ada").get_json()["access_token"])
    assert said(client.delete("/auth/me", headers=headers)) == (409, "last_administrator")
    grant(three, "bob", "admin")
    assert client.delete("/auth/me", headers=headers).status_code == 202


def test_operator_may_take_the_role_from_the_last_administrator(three: Flask) -> None:
    assert refusal(three, lambda s: grants.revoke(s, OPERATOR, actors.find(s, "ada"), "admin")) == ""


def test_change_of_a_role_of_the_service_is_mailed(three: Flask) -> None:
    confirm_addresses(three)
    grant(three, "eve", "admin")
    actor = administrator(three, 1)
    sql = "SELECT template, user_id FROM outbox WHERE template LIKE 'role%' ORDER BY id"
    before = len(rows(three, sql))
    assert refusal(three, lambda s: grants.grant(s, actor, actors.find(s, "bob"), "support")) == ""
    assert refusal(three, lambda s: grants.revoke(s, actor, actors.find(s, "bob"), "support")) == ""
    assert refusal(three, lambda s: grants.grant(s, actor, actors.find(s, "bob"), "editor")) == ""
    assert [tuple(row.values()) for row in rows(three, sql)][before:] == [
        ("role_granted", 2),
        ("role_granted_to_other", 3),
        ("role_revoked", 2),
        ("role_revoked_to_other", 3),
    ]


def test_changes_of_roles_of_the_service_are_limited(make_app: AppFactory) -> None:
    app = make_app({"RATE_LIMIT_ENABLED": "true"})
    for name in ("ada", "bob"):
        signed_in(app.test_client(), name)
    grant(app, "ada", "admin")
    define(app, "editor", "reports:read")
    actor = administrator(app, 1)
    for _ in range(10):
        assert refusal(app, lambda s: grants.grant(s, actor, actors.find(s, "bob"), "support")) == ""
        assert refusal(app, lambda s: grants.revoke(s, actor, actors.find(s, "bob"), "support")) == ""
    assert refusal(app, lambda s: grants.grant(s, actor, actors.find(s, "bob"), "support")) == "rate_limited"
    assert refusal(app, lambda s: grants.grant(s, actor, actors.find(s, "bob"), "editor")) == ""


def test_role_of_new_accounts_never_has_a_permission_of_the_service(make_app: AppFactory) -> None:
    app = make_app({"NEW_ACCOUNT_ROLES": "member, support, unknown"})
    define(app, "member", "reports:read")
    register(app.test_client())
    sql = "SELECT name FROM roles JOIN user_roles ON roles.id = role_id WHERE user_id = 1"
    assert [row["name"] for row in rows(app, sql)] == ["member"]
    put = partial(_put, actor=OPERATOR, name="member", allow={"auth:view"})
    assert refusal(app, put) == "permission_invalid"


def test_grant_to_an_unknown_role_is_refused(three: Flask) -> None:
    assert refusal(three, lambda s: grants.grant(s, OPERATOR, actors.find(s, "bob"), "unknown")) == (
        "role_not_found"
    )

"""Shortcuts for roles: defining and giving them, and calls that need a permission."""

from typing import Any

from flask import Flask, g
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from auth.roles import actors, definitions, grants
from tests.support.fast_beginnings import step
from tests.support.requests import OPERATOR
from tests.support.service import bearer, execute
from utils.auth_helpers import requires
from utils.services import services


def define(app: Flask, name: str, *permissions: str) -> None:
    """Put permissions into a role, as an operator."""

    def take(app: Flask) -> None:
        with app.app_context():
            definitions.define(services(), OPERATOR, name, allow=permissions)

    step(app, ["define", name, *permissions], take)


def grant(app: Flask, login: str, name: str) -> bool:
    """Give a role to an account, as an operator."""

    def take(app: Flask) -> bool:
        with app.app_context():
            return grants.grant(services(), OPERATOR, actors.find(services(), login), name)

    return step(app, ["grant", login, name], take)


def revoke(app: Flask, login: str, name: str) -> bool:
    """Take a role from an account, as an operator."""
    with app.app_context():
        return grants.revoke(services(), OPERATOR, actors.find(services(), login), name)


def editor(app: Flask, login: str = "ada", *permissions: str) -> None:
    """Give an account the role `editor` with these permissions, by default `reports:read`."""
    define(app, "editor", *(permissions or ("reports:read",)))
    grant(app, login, "editor")


def prove_factor(app: Flask, user_id: int = 1) -> None:
    """Mark the sessions of an account as proven by a second factor just now."""
    sql = "UPDATE sessions SET factor_at = auth_time WHERE user_id = :user_id"
    execute(app, sql, user_id=user_id)


def guard(app: Flask, *permissions: str, path: str = "/reports") -> None:
    """Add a view that requires permissions and answers those that its caller has."""

    @app.get(path, endpoint=path)
    @requires(*permissions)
    def view() -> dict[str, Any]:
        return {"permissions": sorted(g.principal.permissions)}


def verify(client: FlaskClient, token: str, query: str = "") -> TestResponse:
    return client.get(f"/auth/verify{query}", headers=bearer(token))

"""API tokens for tests, and the roles that their owners need."""

import json
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.support import roles
from tests.support.requests import post, said
from tests.support.service import bearer, signed_in

READ = "reports:read"
ROLE = "reader"


def give(app: Flask, *permissions: str, login: str = "ada", role: str = ROLE) -> None:
    """Give a role to an account; with permissions, one that has them."""
    if permissions:
        roles.define(app, role, *permissions)
    assert roles.grant(app, login, role)


def take(app: Flask, login: str = "ada", role: str = ROLE) -> None:
    """Take a role from an account."""
    assert roles.revoke(app, login, role)


def create(client: FlaskClient, access: str, *permissions: str, **more: Any) -> TestResponse:
    """Ask for an API token."""
    return post(client, "tokens", access, **{"name": "backup script", "permissions": [*permissions]} | more)


def created(client: FlaskClient, access: str, *permissions: str, **more: Any) -> str:
    """Return the text of a new API token."""
    answer = create(client, access, *permissions or [READ], **more)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.get_json()["token"])


def owned(app: Flask, login: str = "ada", **more: Any) -> str:
    """Return an API token with `READ` of a new account that has it."""
    access = signed_in(app.test_client(), login)["access_token"]
    give(app, READ, login=login)
    return created(app.test_client(), access, **more)


def listed(client: FlaskClient, access: str) -> list[dict[str, Any]]:
    """Return the account's API tokens as it sees them."""
    found: list[dict[str, Any]] = client.get("/auth/tokens", headers=bearer(access)).get_json()["tokens"]
    return found


def verify(app: Flask, token: str, *permissions: str) -> TestResponse:
    """Ask whether the bearer has these permissions."""
    query = [("permission", each) for each in permissions]
    return app.test_client().get("/auth/verify", query_string=query, headers=bearer(token))


def status(app: Flask, token: str, *permissions: str) -> int:
    """Return the status of `verify`, with `READ` by default."""
    return verify(app, token, *permissions or [READ]).status_code


def remove(client: FlaskClient, access: str, token_id: str) -> tuple[int, str]:
    """Revoke a token; return the status and the error code."""
    return said(client.delete(f"/auth/tokens/{token_id}", headers=bearer(access)))


def by_command(app: Flask, *words: str) -> Any:
    """Run `flask auth ... --json`; return what it printed."""
    result = app.test_cli_runner().invoke(args=["auth", *words, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)

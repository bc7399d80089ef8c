"""Shortcuts for calls of the API, and for reading what a call changed."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from auth.admin import operators, pruning, slices
from auth.roles.actors import Operator
from models import db
from tests.support import mailbox
from tests.support.fast_beginnings import step
from tests.support.service import PASSWORD, bearer, execute, register, rows
from utils.client_info import ClientInfo
from utils.services import services

NEW = "a new and long one"
MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
OPERATOR = Operator("root", ClientInfo(None, "command line", "0" * 16))


def post(client: FlaskClient, path: str, access: str = "", **body: Any) -> TestResponse:
    """Post this body to a path below /auth, as the bearer of `access`."""
    return client.post(f"/auth/{path}", json=body, headers=bearer(access) if access else None)


def said(answer: TestResponse) -> tuple[int, str]:
    """Return the status and error code of a refusal; of a success, its status and an empty string."""
    return answer.status_code, (answer.get_json(silent=True) or {}).get("code", "")


def confirmed(app: Flask, name: str = "ada", **more: Any) -> None:
    """Register, and confirm the address."""
    client = app.test_client()
    assert register(client, name, **more).status_code in {201, 202}
    to = more.get("email", f"{name}@example.com")
    used = post(client, "email/verify", token=mailbox.token(app, "verify_email", to), password=PASSWORD)
    assert used.status_code == 200, used.get_data(as_text=True)


def confirm_addresses(app: Flask) -> None:
    """Mark all addresses as confirmed, without mails and links."""
    sql = "UPDATE users SET email_verified_at = created_at"
    step(app, sql, lambda app: execute(app, sql))


def forget(app: Flask, email: str = "ada@example.com") -> str:
    """Request a password reset; return the mailed token."""
    assert post(app.test_client(), "password/forgot", email=email).status_code == 202
    return mailbox.token(app, "reset_password", email)


def address(app: Flask, name: str = "ada") -> str:
    """Return the address of an account."""
    return str(rows(app, "SELECT email FROM users WHERE username = :name", name=name)[0]["email"])


def moved(app: Flask, access: str, to: str = "new@example.com") -> TestResponse:
    """Request a change of address, and confirm it with the same session."""
    client = app.test_client()
    assert post(client, "email/change", access, email=to).status_code == 202
    return post(client, "email/verify", access, token=mailbox.token(app, "change_email", to))


def everything(app: Flask, *but: str) -> dict[str, list[tuple[Any, ...]]]:
    """Return every row of every table, except the named tables."""
    with app.app_context(), db.engine.connect() as connection:
        return {
            table.name: sorted((tuple(row) for row in connection.execute(select(table))), key=str)
            for table in db.metadata.sorted_tables
            if table.name not in but
        }


def prune(app: Flask) -> dict[str, int]:
    """Run the daily prune."""
    with app.app_context():
        return pruning.prune(services(), OPERATOR)


def run_slice(app: Flask, process: slices.Slices | None = None) -> int:
    """Prune as the thread of a process does, until it has nothing to do; return how many batches."""
    process, batches = process or slices.Slices(), 0
    while True:
        with app.app_context():
            if not process.next_batch(services()):
                return batches
        batches += 1


def disable(app: Flask, login: str = "ada") -> None:
    """Disable an account as an operator."""
    with app.app_context():
        assert operators.disable(services(), login, OPERATOR)


def enable(app: Flask, login: str = "ada") -> None:
    with app.app_context():
        assert operators.enable(services(), login, OPERATOR)


@contextmanager
def asked(app: Flask) -> Iterator[list[str]]:
    """Yield the statements run from now on, without their values."""
    statements: list[str] = []
    with app.app_context():
        engine = db.engine

    def note(_c: Any, _cursor: Any, sql: str, _p: Any, _context: Any, _many: bool) -> None:
        statements.append(re.sub(r"\s+", " ", sql))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", note)

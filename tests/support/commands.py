"""The commands of operators (`flask auth ...`), and the events that they write."""

import getpass
import json
from collections.abc import Mapping
from typing import Any

import click
from click.testing import Result
from flask import Flask

from auth.blueprint import auth_commands
from tests.support.service import rows


def auth(app: Flask, *words: str, typed: str | None = None) -> Result:
    """Run a command; fail if it ends in a traceback."""
    result: Result = app.test_cli_runner().invoke(args=["auth", *words], input=typed)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def asked(app: Flask, *words: str) -> Any:
    """Run a command with `--json`; return its standard output, which must be JSON alone."""
    result = auth(app, *words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def written(app: Flask, before: int = 0) -> list[dict[str, Any]]:
    """Return the operator events; each must name the system user and no address."""
    sql = "SELECT event, user_id, operator, count, ip_address FROM audit_events WHERE operator IS NOT NULL"
    found = rows(app, f"{sql} ORDER BY id")
    assert all(row["operator"] == getpass.getuser() and row["ip_address"] is None for row in found)
    return [{name: row[name] for name in ("event", "user_id", "count")} for row in found]


def event(word: str, user_id: int | None = None, count: int = 1) -> dict[str, Any]:
    return {"event": word, "user_id": user_id, "count": count}


def commands_of(group: str | None = None) -> Mapping[str, click.Command]:
    """Return the commands of `flask auth` by name, or those of a group such as `clients`."""
    auth_commands.load()
    if group is None:
        return auth_commands.commands
    found = auth_commands.commands[group]
    assert isinstance(found, click.Group)
    return found.commands

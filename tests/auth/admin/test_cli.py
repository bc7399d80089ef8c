"""The `flask auth ...` commands: prompts, errors and exit codes."""

import getpass
import os
import pwd
import re
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient

from app import create_app
from config import Settings, TestingConfig
from tests.support.api_tokens import owned
from tests.support.sent_mail import add_passkey
from tests.support.service import PASSWORD, events, login, register, rows, signed_in

TWICE = f"{PASSWORD}\n{PASSWORD}\n"


def create_user(app: Flask, *options: str, typed: str = TWICE) -> Result:
    runner = app.test_cli_runner()
    return runner.invoke(args=["auth", "create-user", *options], input=typed)


def auth(app: Flask, *words: str) -> Result:
    return app.test_cli_runner().invoke(args=["auth", *words])


ADA = ("--username", "ada", "--email", "ada@example.com")


def test_create_user_creates_an_account(app: Flask, client: FlaskClient) -> None:
    result = create_user(app, *ADA)
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == "Created user ada with id 1."
    assert PASSWORD not in result.output
    assert login(client).status_code == 200
    (event,) = rows(app, "SELECT * FROM audit_events WHERE event = 'account_created'")
    assert event["operator"] == getpass.getuser()
    assert (event["user_id"], event["ip_address"], event["count"]) == (1, None, 1)
    assert len(event["request_id"]) == 16


def test_create_user_prompts_for_missing_options(app: Flask, client: FlaskClient) -> None:
    result = create_user(app, typed=f"ada\nada@example.com\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert login(client).status_code == 200


def test_create_user_asks_for_the_password_twice(app: Flask) -> None:
    result = create_user(app, *ADA, typed=f"{PASSWORD}\nsomething else\n{PASSWORD}\n{PASSWORD}\n")
    assert result.exit_code == 0
    assert "do not match" in result.output
    assert create_user(app, *ADA, typed=f"{PASSWORD}\n").exit_code == 1


def test_create_user_has_no_password_option(app: Flask) -> None:
    result = create_user(app, *ADA, "--password", PASSWORD)
    assert result.exit_code == 2
    assert PASSWORD not in app.test_cli_runner().invoke(args=["auth", "create-user", "--help"]).output
    assert rows(app, "SELECT id FROM users") == []


@pytest.mark.parametrize(
    ("options", "typed", "said"),
    [
        (ADA, "short\nshort\n", "must be at least 8 characters long"),
        (("--username", "a b", "--email", "x"), TWICE, "username: may hold"),
        (("--username", "admin", "--email", "a@example.com"), TWICE, "reserved"),
        (("--username", "", "--email", "a@example.com"), TWICE, "username: is missing"),
        (("--username", "known", "--email", "a@example.com"), TWICE, "already exists"),
        (
            ("--username", "other", "--email", "known@example.com"),
            f"{PASSWORD}\n{PASSWORD}\n",
            "already exists",
        ),
    ],
)
def test_create_user_error_is_one_line(
    app: Flask, client: FlaskClient, options: tuple[str, ...], typed: str, said: str
) -> None:
    register(client, "known")
    result = create_user(app, *options, typed=typed)
    assert result.exit_code == 1
    assert said in result.stderr
    prompts = ("Password: ", "Repeat for confirmation: ")
    (line,) = (text for text in result.stderr.splitlines() if text not in {*prompts, ""})
    assert line.startswith("Error: ")
    assert line.count(said) == 1
    assert result.stdout == ""
    assert "Traceback" not in result.output
    assert events(app) == ["account_registered"]


@pytest.mark.parametrize("command", ["show", "disable", "enable", "end-sessions", "token"])
def test_invalid_utf8_user_argument_is_unknown_user(app: Flask, command: str) -> None:
    result = auth(app, command, "a\udcff")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: There is no such user.\n"


def test_invalid_utf8_search_is_refused_in_one_line(app: Flask) -> None:
    result = auth(app, "list-users", "--search", "\udcff")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: The input is not valid UTF-8.\n"
    assert events(app) == []


@pytest.mark.parametrize("words", ["show ada", "tokens ada", "explain ada", "who", "reset-factors ada"])
def test_times_of_commands_have_one_form(app: Flask, client: FlaskClient, words: str) -> None:
    owned(app)
    add_passkey(client, login(client).get_json()["access_token"])
    told = auth(app, *words.split())
    assert told.exit_code == 0, told.output
    assert re.search(r"2026-0\d-\d\d 12:00 UTC", told.stdout), told.stdout
    assert not re.search(r"\dT\d\d:\d\d|March", told.stdout), told.stdout


def test_operator_name_comes_from_the_system_account(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(client)
    for name in ("USER", "LOGNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "mallory")
    auth(app, "disable", "ada")
    monkeypatch.setattr(os, "getuid", lambda: 3_999_999_999)  # as in a container, without a name
    auth(app, "enable", "ada")
    told = rows(app, "SELECT operator FROM audit_events WHERE operator IS NOT NULL ORDER BY id")
    known = pwd.getpwuid(os.geteuid()).pw_name
    assert [row["operator"] for row in told] == [known, "uid-3999999999"]


@pytest.mark.parametrize(
    "words", [("list-users",), ("show", "ada"), ("disable", "1"), ("prune",), ("token", "ada@example.com")]
)
def test_unusable_database_is_reported_in_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    settings = Settings.load(TestingConfig, {"DATABASE_URI": f"sqlite:///{tmp_path}/empty.db"})
    app, told = create_app(settings=settings), "The database reported an error (OperationalError). Check that"
    for option in ((), ("--json",)):
        result = auth(app, *words, *option)
        assert (result.exit_code, result.stdout) == (1, "")
        assert result.stderr.startswith('{"code": "unavailable"' if option else f"Error: {told}")
        assert result.stderr.count("\n") == 1
        assert told in result.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("show",),
        ("disable",),
        ("end-sessions",),
        ("end-sessions", "ada", "--everybody"),
        ("list-users", "--limit", "0"),
        ("list-users", "--after", "-1"),
        ("list-users", "--after", "2147483648"),
        ("prune", "now"),
        ("send-love",),
    ],
)
def test_usage_error_is_exit_code_2(app: Flask, client: FlaskClient, words: tuple[str, ...]) -> None:
    signed_in(client)
    assert auth(app, *words).exit_code == 2
    assert events(app) == ["account_registered", "signed_in"]

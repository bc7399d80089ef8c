"""`doctor --client`: each check fires, and a sound client has none."""

import json
from typing import Any

import pytest
from flask import Flask

from oauth.clients import hosts
from oauth.diagnosis import client as checks
from tests.conftest import AppFactory
from tests.oauth.clients.test_client_authentication import basic, called, refused
from tests.support.commands import asked, auth
from tests.support.oauth import SECRET, client_row
from tests.support.service import FixedClock, execute, rows
from utils.services import services


def known(*_: Any) -> list[Any]:
    return []


def unknown(*_: Any) -> list[Any]:
    raise OSError


def findings(app: Flask, resolve: hosts.Resolve = known) -> dict[str, tuple[str, str]]:
    """Return state and text by check, the worst of each check."""
    with app.app_context():
        found = checks.examine(services(), "app", resolve)
    order = ("ok", "warning", "problem")
    return {each.check: (each.state, each.text) for each in sorted(found, key=lambda f: order.index(f.state))}


def test_sound_client_has_no_finding(app: Flask) -> None:
    client_row(app)
    called(app, basic("app", SECRET))
    assert {state for state, _ in findings(app).values()} == {"ok"}


def test_each_weakness_is_named(app: Flask, clock: FixedClock) -> None:
    client_row(app, pkce="optional", takes_unverified=True)
    clock.advance(366 * 86_400)
    refused(app, basic("app", "wrong"))
    found = findings(app, unknown)
    assert found["client"] == ("warning", "It has never authenticated at this service.")
    assert found["secret"] == ("warning", "Its secret is older than a year.")
    assert found["pkce"] == ("warning", "The client may leave PKCE out.")
    assert found["addresses"][0] == "warning"
    assert found["address"] == ("warning", "app.example.com has no address from here.")
    assert "The client secret is wrong." in found["login"][1]


def test_client_that_cannot_work_is_a_problem(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app({"OAUTH_PROVIDER": "false"})
    client_row(app, secret=None, disabled_at=clock.now())
    found = findings(app)
    assert found["client"][0] == found["secret"][0] == "problem"
    execute(app, "UPDATE oauth_clients SET redirect_uris = '[]'")
    result = auth(app, "doctor", "--client", "app")
    assert result.exit_code == 1
    assert "3 problems, 1 warning." in result.stdout


def test_doctor_takes_a_client_by_name(app: Flask) -> None:
    client_row(app, kind="native", redirect_uris=["com.example.app:/cb"])
    result = auth(app, "doctor", "--client", "App", "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["problems"], told["warnings"]) == (3, 0, 1)  # it was never used
    assert auth(app, "doctor", "--client", "nothing").exit_code == 1
    assert auth(app, "doctor", "--client", "app", "--probe", "http://localhost").exit_code == 2


def test_doctor_and_explain_client_name_the_same_findings_and_refusals(app: Flask, clock: FixedClock) -> None:
    client_row(app, pkce="optional", required_permission="app:use", require_factor=True)
    for _ in range(7):
        refused(app, basic("app", "wrong"))
        clock.advance(86_000)  # nearly a day
    explained = asked(app, "explain-client", "app")
    printed = auth(app, "explain-client", "app").stdout
    told = json.loads(auth(app, "doctor", "--client", "app", "--json").stdout)["findings"]
    checks_of_both = {"client", "secret", "pkce", "accounts"}
    assert [each for each in told if each["check"] in checks_of_both] == explained["findings"]
    lines = [each["text"] for each in told if each["check"] == "login"]
    assert len(lines) == len(explained["refusals"]) == 7
    assert all(text in printed for text in [*lines, *(each["text"] for each in explained["findings"])])


TABLES = (
    "users",
    "sessions",
    "oauth_codes",
    "oauth_grants",
    "oauth_consents",
    "audit_events",
    "signing_keys",
)


@pytest.mark.both_databases
@pytest.mark.parametrize("kind", ["web", "spa", "native"])
def test_rehearsed_login_works_and_leaves_nothing(app: Flask, kind: str) -> None:
    client_row(app, kind=kind, required_permission="app:use", require_factor=True)
    before = rows(app, "SELECT * FROM oauth_clients")
    found = findings(app)["rehearsed login"]
    assert found == ("ok", "A throw-away account logged in, from the request to the ID token.")
    assert {name: rows(app, f"SELECT count(*) AS n FROM {name}")[0]["n"] for name in TABLES} == dict.fromkeys(
        TABLES, 0
    )
    assert rows(app, "SELECT * FROM oauth_clients") == before


def test_rehearsed_login_names_what_fails(app: Flask) -> None:
    client_row(app, redirect_uris=["javascript:alert(1)"])
    state, text = findings(app)["rehearsed login"]
    assert state == "problem"
    assert text.startswith("A login with a throw-away account fails: ")
    assert rows(app, "SELECT count(*) AS n FROM users") == [{"n": 0}]


def test_unused_new_secret_is_named(app: Flask, clock: FixedClock) -> None:
    client_row(app)
    clock.advance(1)
    asked(app, "clients", "rotate-secret", "app", "--keep", "24h")
    assert findings(app)["secret"] == ("warning", "Two secrets are valid, and the new one was never used.")

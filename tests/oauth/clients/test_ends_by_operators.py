"""What ends when an operator narrows, disables or removes a client."""

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.oauth.feed.test_revocation_feed import feed, gids
from tests.support.commands import asked
from tests.support.grants import RESOURCE, grant_row, resource_row, session_ids
from tests.support.oauth import REDIRECT, client_row
from tests.support.oauth_tokens import code_of, redeem, refused
from tests.support.requests import asked as counted
from tests.support.service import engine_of, rows

pytestmark = pytest.mark.both_databases
OTHER = "https://other.example.com"
SCOPES = ("--scope", "orders:read=Read your orders", "--scope", "orders:write=Change your orders")


def ended(app: Flask) -> dict[str, str | None]:
    """Return the end reason of each grant by its `amr`, which these tests use as a name."""
    return {row["amr"]: row["end_reason"] for row in rows(app, "SELECT amr, end_reason FROM oauth_grants")}


def test_grants_beyond_what_a_client_may_still_ask_for_end_at_once(app: Flask) -> None:
    client_row(app)
    client_row(app, "api", kind="resource")
    for identifier in (RESOURCE, OTHER):
        resource_row(app, "api", identifier)
    asked(app, "clients", "set", "app", "--resource", RESOURCE, "--resource", OTHER)
    code = code_of(app, scopes=["openid", "email"])
    session = session_ids(app)[0]
    grant_row(app, session, amr="plain")
    grant_row(app, session, amr="email", scopes=["openid", "email"])
    grant_row(app, session, amr="offline", scopes=["openid", "offline_access"], offline=True)
    grant_row(app, session, amr="kept", resource=RESOURCE, scopes=["openid", "read"])
    grant_row(app, session, amr="other", resource=OTHER, scopes=["openid", "read"])
    living = dict.fromkeys(["plain", "email", "offline", "kept", "other"])
    asked(app, "clients", "set", "app", "--name", "New name")
    assert ended(app) == living
    for words, name in (
        (("--no-scope", "email"), "email"),
        (("--no-scope", "offline_access"), "offline"),
        (("--no-resource", OTHER), "other"),
    ):
        asked(app, "clients", "set", "app", *words)
        living |= {name: "client_narrowed"}
        assert ended(app) == living
    assert refused(redeem(app, code))[:2] == (400, "invalid_grant")


def test_code_is_void_after_a_redirect_address_was_taken_away(app: Flask) -> None:
    """The address may belong to a stranger by now, who has got the code."""
    client_row(app, redirect_uris=[REDIRECT, "https://kept.example.com/cb"])
    code = code_of(app)
    asked(app, "clients", "set", "app", "--no-redirect", REDIRECT)
    assert refused(redeem(app, code))[:2] == (400, "invalid_grant")


def test_disabling_a_client_ends_its_grants_and_enabling_revives_none(
    app: Flask, client: FlaskClient
) -> None:
    client_row(app)
    client_row(app, "api", kind="resource")
    resource_row(app, "api")
    code = code_of(app)
    gid = grant_row(app, session_ids(app)[0], amr="bound", resource=RESOURCE)
    grant_row(app, session_ids(app)[0], amr="offline", offline=True)
    asked(app, "clients", "disable", "app")
    assert gids(feed(client)) == [str(gid)]
    asked(app, "clients", "enable", "app")
    assert ended(app) == {"bound": "client_disabled", "offline": "client_disabled"}
    assert refused(redeem(app, code))[:2] == (400, "invalid_grant")


APPLIED = """
[resources."https://api.example.com"]
scopes = { "orders:read" = "Read your orders" }
"""


@pytest.mark.parametrize("by_file", [False, True], ids=["set", "apply"])
def test_grants_and_codes_with_a_scope_that_a_resource_lost_end_at_once(
    app: Flask, tmp_path: Path, by_file: bool
) -> None:
    client_row(app)
    asked(app, "resources", "add", RESOURCE, *SCOPES)
    asked(app, "resources", "add", OTHER, *SCOPES)
    asked(app, "clients", "set", "app", "--resource", RESOURCE, "--resource", OTHER)
    code = code_of(app, scopes=["openid", "orders:write"], resource=RESOURCE)
    session = session_ids(app)[0]
    for name, resource, *scopes in (
        ("plain", None, "openid"),
        ("reads", RESOURCE, "openid", "orders:read"),
        ("writes", RESOURCE, "openid", "orders:read", "orders:write"),
        ("other", OTHER, "openid", "orders:write"),
    ):
        grant_row(app, session, amr=name, resource=resource, scopes=scopes)
    living = dict.fromkeys(["plain", "reads", "writes", "other"])
    asked(app, "resources", "set", RESOURCE, "--scope", "orders:all=See all orders")
    assert ended(app) == living
    if by_file:
        (tmp_path / "clients.toml").write_text(APPLIED)
        asked(app, "clients", "apply", str(tmp_path / "clients.toml"))
    else:
        words = ("--no-scope", "orders:write", "--no-scope", "orders:all")
        assert asked(app, "resources", "set", RESOURCE, *words)["ended"] == 1
    assert ended(app) == living | {"writes": "resource_narrowed"}
    assert refused(redeem(app, code))[:2] == (400, "invalid_grant")


def test_code_for_a_resource_that_was_removed_is_refused(app: Flask) -> None:
    client_row(app)
    asked(app, "resources", "add", RESOURCE, *SCOPES)
    asked(app, "clients", "set", "app", "--resource", RESOURCE)
    code = code_of(app, scopes=["openid", "orders:read"], resource=RESOURCE)
    asked(app, "resources", "remove", RESOURCE)
    assert refused(redeem(app, code))[:2] == (400, "invalid_grant")


def test_removal_of_a_client_locks_it_first_then_codes_then_grants(app: Flask) -> None:
    """The order of every other transaction, without which two of them can wait for each other."""
    client_row(app)
    code_of(app)
    grant_row(app, session_ids(app)[0])
    with counted(app) as statements:
        asked(app, "clients", "remove", "app")
    order = [
        "SELECT oauth_clients.id FROM oauth_clients WHERE oauth_clients.id =",
        "DELETE FROM oauth_codes",
        "UPDATE oauth_grants",
        "DELETE FROM oauth_clients",
    ]
    found = [next(n for n, sql in enumerate(statements) if sql.startswith(each)) for each in order]
    assert found == sorted(found)
    if engine_of(app).dialect.name == "postgresql":
        assert statements[found[0]].endswith(" FOR UPDATE")

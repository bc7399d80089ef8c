"""The commands for resources, and `clients apply`."""

from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.oauth.clients.test_client_authentication import basic, called
from tests.oauth.clients.test_clients_cli import grant_row
from tests.support.commands import asked, auth, event, written
from tests.support.oauth import REDIRECT, client_row
from tests.support.service import rows

API = "https://api.example.com"


@pytest.mark.both_databases
def test_resource_is_added_given_to_a_client_changed_listed_and_removed(app: Flask) -> None:
    made = asked(
        app, "resources", "add", f"{API}/", "--name", "Orders", "--scope", "orders:read=Read your orders"
    )
    assert (made["resource"], made["id"]) == (API, "api.example.com")
    assert called(app, basic(made["id"], made["secret"])).kind == "resource"
    client = asked(app, "clients", "add", "app", "--redirect", REDIRECT, "--resource", API)["client"]
    assert client["resources"] == [API]
    changed = asked(app, "resources", "set", API, "--scope", "orders:write=Change your orders")
    assert changed["scopes"] == {"orders:read": "Read your orders", "orders:write": "Change your orders"}
    asked(app, "resources", "set", API, "--no-scope", "orders:read")
    listed = asked(app, "resources", "list")["resources"]
    assert [(each["name"], [*each["scopes"]]) for each in listed] == [("Orders", ["orders:write"])]
    grant_row(app, 1, API)
    grant_row(app, 2)
    assert asked(app, "resources", "remove", API) == {"removed": API, "ended": 1}
    assert rows(app, "SELECT id FROM oauth_clients") == [{"id": "app"}]
    assert asked(app, "clients", "show", "app")["resources"] == []
    assert [row["event"] for row in written(app)].count("resource_changed") == 4


def test_first_resource_of_a_client_is_its_default(app: Flask) -> None:
    for url in (API, f"{API}/b", f"{API}/c"):
        asked(app, "resources", "add", url)
    words = ["--redirect", REDIRECT, "--resource", f"{API}/c", "--resource", API]
    asked(app, "clients", "add", "app", *words)
    sql = "SELECT resource FROM oauth_client_resources WHERE is_default"
    assert rows(app, sql) == [{"resource": f"{API}/c"}]
    asked(app, "clients", "set", "app", "--no-resource", f"{API}/c", "--resource", f"{API}/b")
    assert rows(app, sql) == [{"resource": API}]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "http://api.example.com"], "must begin with https://"),
        (["add", "api"], "url: must be an https:// URL"),
        (["add", f"{API}?x=1"], "query"),
        (["add", "http://localhost:8000"], "address of this service"),
        (["add", "http://localhost:8000/oauth/userinfo"], "address of this service"),
        (["add", "https://taken.example"], "registered already"),
        (["add", API, "--scope", "orders"], "a name and its words"),
        (["add", API, "--scope", "orders:read="], "words for the consent page"),
        (["add", API, "--scope", "openid=Everything"], "none of openid"),
        (["add", API, "--scope", "a b=Everything"], "letters, digits"),
        (["set", API], "There is no such resource."),
        (["set", "https://taken.example", "--no-scope", "x"], "does not have it"),
        (["remove", API], "There is no such resource."),
        (["remove", "nothing"], "There is no such resource."),
    ],
)
def test_wrong_input_is_refused_with_a_reason(app: Flask, words: list[str], said: str) -> None:
    asked(app, "resources", "add", "https://taken.example")
    result = auth(app, "resources", *words)
    assert (result.exit_code, said in result.stderr) == (1, True), result.stderr
    assert len(rows(app, "SELECT identifier FROM oauth_resources")) == 1


def test_client_of_a_resource_is_changed_and_removed_with_it_only(app: Flask) -> None:
    made = asked(app, "resources", "add", API)
    for words in (["set", made["id"], "--trusted"], ["remove", made["id"]]):
        result = auth(app, "clients", *words)
        assert (result.exit_code, "client of a resource" in result.stderr) == (1, True)
    assert asked(app, "clients", "rotate-secret", made["id"])["secret"]


DOCUMENT = """
[resources."https://api.example.com"]
name = "Orders"
scopes = { "orders:read" = "Read your orders" }

[clients.grafana]
preset = "grafana"
uri = "https://grafana.example.com"
required_permission = "app:grafana"

[clients.shop]
name = "Shop"
kind = "spa"
redirect_uris = ["https://shop.example.com/cb"]
resources = ["https://api.example.com"]
"""


def applied(app: Flask, folder: Path, text: str, *words: str) -> Any:
    file = folder / "clients.toml"
    file.write_text(text)
    return asked(app, "clients", "apply", str(file), *words)["outcomes"]


@pytest.mark.both_databases
def test_file_is_applied_and_a_second_time_changes_nothing(app: Flask, tmp_path: Path) -> None:
    first = applied(app, tmp_path, DOCUMENT)
    assert [(each["kind"], each["id"], each["outcome"]) for each in first] == [
        ("resource", API, "created"),
        ("client", "grafana", "created"),
        ("client", "shop", "created"),
    ]
    assert called(app, basic("grafana", first[1]["secret"])).required_permission == "app:grafana"
    assert first[2]["secret"] is None
    before = len(written(app))
    again = applied(app, tmp_path, DOCUMENT)
    assert {each["outcome"] for each in again} == {"unchanged"}
    assert len(written(app)) == before


def test_file_changes_what_differs_and_sets_back_what_it_does_not_name(app: Flask, tmp_path: Path) -> None:
    applied(app, tmp_path, DOCUMENT)
    asked(app, "clients", "set", "shop", "--require-factor")
    client_row(app, "other")
    text = DOCUMENT.replace("shop.example.com/cb", "shop.example.com/callback").replace(
        "Read your", "See your"
    )
    dry = applied(app, tmp_path, text, "--dry-run")
    assert asked(app, "clients", "show", "shop")["redirect_uris"] == ["https://shop.example.com/cb"]
    found = applied(app, tmp_path, text)
    assert found == dry
    assert [(each["outcome"], each["parts"]) for each in found] == [
        ("changed", ["scopes"]),
        ("unchanged", []),
        ("changed", ["redirect_uris", "require_factor"]),
    ]
    assert written(app)[-2:] == [event("resource_changed"), event("client_changed")]
    assert asked(app, "clients", "show", "other")["id"] == "other"  # not in the file, and left alone


def test_dry_run_of_a_new_file_changes_nothing(app: Flask, tmp_path: Path) -> None:
    found = applied(app, tmp_path, DOCUMENT, "--dry-run")
    assert {each["outcome"] for each in found} == {"created"}
    assert rows(app, "SELECT id FROM oauth_clients") == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[clients.a", "not valid TOML (at"),
        ("[client.a]", "tables `clients` and `resources` only"),
        ("clients = 3", "a table for each client"),
        ("[clients]\na = 3", "a table for each client"),
        ('[clients.a]\nredirect = "https://a.example/cb"', "a: A client has an unknown part."),
        ('[clients.a]\nredirect_uris = "https://a.example/cb"', "a: The client is not valid.; redirect_uris"),
        (
            '[clients.a]\nredirect_uris = ["https://a.example/cb"]\ntrusted = "yes"',
            "trusted: must be true or false",
        ),
        ('[clients.a]\nredirect_uris = ["https://a.example/cb"]\nname = 3', "name: must be a text"),
        ("[clients.a]", "a: The client is not valid.; redirect_uris: is missing"),
        ('[clients."a b"]', "id: must be 1 to 64"),
        (
            '[clients.a]\nredirect_uris = ["https://a.example/cb"]\nresources = ["https://x.example"]',
            "resources add",
        ),
        ('[resources."https://a.example"]\nscope = 3', "A resource has a text `name`"),
        ('[resources."http://a.example"]', "must begin with https://"),
    ],
)
def test_faulty_file_changes_nothing(app: Flask, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "clients.toml"
    good = '[clients.good]\nredirect_uris = ["https://good.example/cb"]\n'
    file.write_text(good + text if text.startswith("[clients.a") else text)
    result = auth(app, "clients", "apply", str(file))
    assert result.exit_code == 1
    assert said in result.stderr
    assert rows(app, "SELECT id FROM oauth_clients") == []


def test_kind_of_a_client_cannot_change(app: Flask, tmp_path: Path) -> None:
    applied(app, tmp_path, DOCUMENT)
    file = tmp_path / "clients.toml"
    file.write_text(DOCUMENT.replace('"spa"', '"native"'))
    result = auth(app, "clients", "apply", str(file))
    assert (result.exit_code, "remove the client and add it again" in result.stderr) == (1, True)

"""Snippets and presets: everything is filled in, and Python is valid."""

import re
import tomllib

import pytest
from flask import Flask

from oauth.clients import drafts, snippet_texts
from oauth.clients.definition import Definition, checked
from oauth.clients.presets import PRESETS
from tests.support.architecture import ROOT
from tests.support.commands import asked
from tests.support.oauth import REDIRECT, client_row

ISSUER = "https://auth.example.com"
CLIENT = Definition(name="My 'App'", redirect_uris=(REDIRECT,))
WANTED = "nextjs flask fastapi express django spa apache oauth2-proxy grafana jupyterhub curl".split()


@pytest.mark.parametrize("name", snippet_texts.names())
def test_snippet_has_issuer_and_id_and_no_gap(name: str) -> None:
    text = snippet_texts.text(ISSUER, "my-app", CLIENT, name, "the-secret")
    assert ISSUER in text
    assert "my-app" in text
    assert not re.search(r"@[A-Z_]+@", text)
    assert "My 'App'" not in text  # it would end a text in quotation marks


def test_snippet_without_a_test_in_tests_clients_says_that_it_was_not_run() -> None:
    folder = ROOT / "oauth/clients/snippets"
    first = {path.stem: path.read_text("utf-8").partition("\n")[0] for path in folder.glob("*.txt")}
    unmarked = {name for name, line in first.items() if "(Not run here.)" not in line}
    tested = "apache curl django express fastapi flask nextjs pgadmin spa streamlit".split()
    assert unmarked == {*tested, "generic"}


def test_snippets_that_are_asked_for_exist() -> None:
    assert set(WANTED) <= set(snippet_texts.names())


@pytest.mark.parametrize("name", ["flask", "fastapi", "django", "jupyterhub", "pgadmin"])
def test_python_snippet_is_valid(name: str) -> None:
    compile(snippet_texts.text(ISSUER, "my-app", CLIENT, name), name, "exec")


@pytest.mark.parametrize("name", ["streamlit", "oauth2-proxy"])
def test_toml_snippet_is_valid(name: str) -> None:
    assert tomllib.loads(snippet_texts.text(ISSUER, "my-app", CLIENT, name, "the-secret"))


def test_code_reads_its_secret_from_the_environment() -> None:
    for name in ("nextjs", "flask", "fastapi", "express", "django", "jupyterhub"):
        assert "the-secret" not in snippet_texts.text(ISSUER, "my-app", CLIENT, name, "the-secret")


@pytest.mark.parametrize(
    ("path", "provider"),
    [
        ("/api/auth/callback/team", "team"),  # Next.js
        ("/auth/callback/team", "team"),  # Express, SvelteKit
        ("/cb", "auth"),
    ],
)
def test_auth_js_provider_is_that_of_the_redirect_address(path: str, provider: str) -> None:
    client = Definition(name="Team", redirect_uris=(f"https://app.example.com{path}",))
    text = snippet_texts.text(ISSUER, "team", client, "nextjs")
    assert f'id: "{provider}",' in text


def test_configuration_of_next_js_returns_to_a_registered_address_after_a_logout() -> None:
    client = drafts.draft("shop", {"preset": "nextjs", "uri": "https://shop.example.com"}, "RS256")
    assert client.post_logout_uris == ("https://shop.example.com/",)
    text = snippet_texts.text(ISSUER, "shop", client, "nextjs")
    assert 'post_logout_redirect_uri: "https://shop.example.com/"' in text


def test_public_client_has_no_secret_in_its_snippet() -> None:
    public = Definition(name="App", kind="native", redirect_uris=(REDIRECT,))
    text = snippet_texts.text(ISSUER, "my-app", public, "curl")
    assert '-d "client_id=$CLIENT"' in text
    assert "-u " not in text


@pytest.mark.parametrize("name", PRESETS)
def test_preset_makes_a_valid_client_with_a_snippet(name: str) -> None:
    found = checked(drafts.draft(name, {"preset": name, "uri": "https://app.example.com"}, "RS256"))
    assert found.redirect_uris
    assert all(each.startswith("https://app.example.com/") for each in found.redirect_uris)
    assert snippet_texts.text(ISSUER, name, found, snippet_texts.usual(found))


def test_snippet_of_another_framework_is_printed(app: Flask) -> None:
    client_row(app)
    found = asked(app, "clients", "snippet", "app", "--for", "flask")
    assert (found["for"], "authlib" in found["snippet"]) == ("flask", True)

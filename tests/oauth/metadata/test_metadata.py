"""The metadata and the published keys: the same for everybody, cacheable, and never of the request's host."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from oauth.stores import clients
from tests.conftest import AppFactory
from tests.support.commands import asked
from tests.support.oauth import REDIRECT, client_row
from tests.support.oauth_tokens import API, claims_of, got, userinfo
from tests.support.service import FixedClock, engine_of, execute
from utils.database.reads import Reads

CONFIGURATION, SERVER, KEYS = PATHS = (
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/oauth/jwks",
)


@pytest.mark.parametrize("path", PATHS)
def test_metadata_and_keys_are_404_while_no_client_is_registered(
    app: Flask, client: FlaskClient, clock: FixedClock, path: str
) -> None:
    assert client.get(path).status_code == 404
    client_row(app)  # as by another process
    clock.advance(1)
    assert client.get(path).status_code == 200
    execute(app, "DELETE FROM oauth_clients")
    clock.advance(60)
    assert client.get(path).status_code == 404


@pytest.mark.parametrize(
    "words", [["clients", "add", "app", "--redirect", REDIRECT], ["resources", "add", API]]
)
def test_client_that_this_process_registers_is_published_at_once(
    app: Flask, client: FlaskClient, words: list[str]
) -> None:
    assert client.get(CONFIGURATION).status_code == 404
    asked(app, *words)
    assert client.get(CONFIGURATION).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_without_a_client_the_documents_cost_a_statement_a_second_at_most(
    client: FlaskClient, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    statements: list[Reads] = []
    really = clients.any_registered

    def counted(reads: Reads) -> bool:
        statements.append(reads)
        return really(reads)

    monkeypatch.setattr(clients, "any_registered", counted)
    for number in (1, 2, 3):
        for _ in range(5):
            assert client.get(path).status_code == 404
            clock.advance(0.19)
        assert len(statements) == number
        clock.advance(0.05)


def test_both_addresses_have_the_same_bytes(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    one, two = client.get(CONFIGURATION), client.get(SERVER)
    assert one.data == two.data
    assert one.headers["ETag"] == two.headers["ETag"]


@pytest.mark.parametrize("path", PATHS)
def test_document_is_cacheable_and_unchanged_is_a_304(app: Flask, client: FlaskClient, path: str) -> None:
    client_row(app)
    answer = client.get(path)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"
    assert answer.headers["Content-Type"] == "application/json"
    assert client.get(path).data == answer.data
    tag = answer.headers["ETag"]
    for given in (tag, f"W/{tag}", f'"x", {tag}', "*"):
        again = client.get(path, headers={"If-None-Match": given})
        assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", tag)
        assert again.headers["Cache-Control"] == "public, max-age=3600"
    assert client.get(path, headers={"If-None-Match": '"x"'}).status_code == 200
    assert client.head(path).headers["ETag"] == tag


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("origins", ["", "https://spa.example.com"])
def test_any_origin_may_read_the_document_without_credentials(
    make_app: AppFactory, path: str, origins: str
) -> None:
    app = make_app({"CORS_ORIGINS": origins} if origins else {})
    client_row(app)
    for origin in ("https://other.example", "https://spa.example.com"):
        answer = app.test_client().get(path, headers={"Origin": origin})
        assert answer.headers.getlist("Access-Control-Allow-Origin") == ["*"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "https"},
        {"X-Forwarded-Prefix": "/evil"},
        {"Forwarded": "host=evil.example;proto=https"},
        {"X-Original-Host": "evil.example"},
    ],
)
def test_fault_68_headers_of_the_request_never_change_the_document(
    make_app: AppFactory, path: str, headers: dict[str, str]
) -> None:
    app = make_app({"TRUSTED_PROXIES": "1"})
    client_row(app)
    client = app.test_client()
    genuine = client.get(path)
    forged = client.get(path, headers=headers)
    assert forged.data == genuine.data
    assert forged.headers["ETag"] == genuine.headers["ETag"]
    assert b"evil" not in forged.data


def test_issuer_and_endpoints_are_of_the_public_address(make_app: AppFactory) -> None:
    app = make_app({"PUBLIC_URL": "https://login.example.com"})
    client_row(app)
    told = app.test_client().get(CONFIGURATION).get_json()
    assert told["issuer"] == "https://login.example.com"
    addresses = [told[name] for name in told if name.endswith(("_endpoint", "_uri"))]
    assert len(addresses) == 7
    assert all(address.startswith("https://login.example.com/oauth/") for address in addresses)


def test_document_names_no_logout_without_the_screens(make_app: AppFactory) -> None:
    app = make_app({"PAGES_ENABLED": "false"})
    client_row(app)
    assert app.test_client().get("/oauth/logout").status_code == 404
    assert "end_session_endpoint" not in app.test_client().get(CONFIGURATION).get_json()


def test_every_endpoint_of_the_metadata_exists(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    told = client.get(CONFIGURATION).get_json()
    methods = {"authorization": "GET", "end_session": "GET", "userinfo": "GET"}
    adapter = app.url_map.bind("localhost")
    for name, address in told.items():
        if name.endswith("_endpoint"):
            path = address.removeprefix("http://localhost:8000")
            assert adapter.test(path, methods.get(name.removesuffix("_endpoint"), "POST")), name
    assert client.get(told["jwks_uri"].removeprefix("http://localhost:8000")).status_code == 200


def test_claims_of_the_metadata_are_those_that_tokens_and_userinfo_have(
    app: Flask, client: FlaskClient
) -> None:
    client_row(app, takes_unverified=True)
    tokens = got(app, scopes=["openid", "profile", "email"])
    told = {*claims_of(tokens["id_token"]), *userinfo(client, tokens["access_token"]).get_json()}
    assert {*client.get(CONFIGURATION).get_json()["claims_supported"]} == told


def test_metadata_has_what_clients_need(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    told: dict[str, Any] = client.get(CONFIGURATION).get_json()
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["id_token_signing_alg_values_supported"] == ["RS256", "ES256"]
    assert told["scopes_supported"] == ["openid", "profile", "email", "offline_access"]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert told["subject_types_supported"] == ["public"]
    assert not [name for name, value in told.items() if value in (None, [], "")]


def test_published_keys_are_public_and_of_both_algorithms_only(app: Flask, client: FlaskClient) -> None:
    client_row(app)
    keys = client.get(KEYS).get_json()["keys"]
    assert [(key["kty"], key["alg"], key["use"]) for key in keys] == [
        ("RSA", "RS256", "sig"),
        ("EC", "ES256", "sig"),
    ]
    assert [{*key} for key in keys] == [
        {"kty", "alg", "use", "kid", "n", "e"},
        {"kty", "alg", "use", "kid", "crv", "x", "y"},
    ]


@pytest.mark.parametrize("path", PATHS)
def test_documents_are_answered_from_memory(app: Flask, client: FlaskClient, path: str) -> None:
    client_row(app)
    client.get(path)
    client.get(path)  # the call that made the first keys does not keep them
    statements: list[str] = []
    event.listen(engine_of(app), "before_cursor_execute", lambda *given: statements.append(str(given[2])))
    for _ in range(5):
        assert json.loads(client.get(path).data)
    assert not statements


def test_provider_that_is_switched_off_has_no_documents(make_app: AppFactory) -> None:
    app = make_app({"OAUTH_PROVIDER": "false"})
    client_row(app)
    assert [app.test_client().get(path).status_code for path in PATHS] == [404, 404, 404]

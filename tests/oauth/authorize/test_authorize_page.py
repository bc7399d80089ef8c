"""`/oauth/authorize`: which faults stay here, which go to the client, and what is written (nothing)."""

from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.conftest import AppFactory
from tests.oauth.authorize.test_redirect_addresses import NEAR_MISSES
from tests.support.authorization_requests import (
    BROWSES,
    CALLBACK,
    authorization_query,
    opened,
    parameters_of,
)
from tests.support.oauth import client_row
from tests.support.requests import everything
from tests.support.service import FixedClock, rows
from tests.support.small_limits import ON, limits

FORM = "application/x-www-form-urlencoded"
PROMPTS = ["", "none", "login", "consent", "select_account", "create", "hostile"]
FAULTS_OF_ADDRESS = [
    {"client_id": None},
    {"client_id": "unknown"},
    {"redirect_uri": None},
    *(
        {"redirect_uri": address}
        for address in ("https://evil.example/", "javascript:alert(1)", f"{CALLBACK}/")
    ),
]


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("change", FAULTS_OF_ADDRESS)
def test_fault_10_and_11_fault_before_the_address_is_proven_stays_here(
    app: Flask, client: FlaskClient, change: dict[str, str | None], prompt: str
) -> None:
    """With every other fault in the request, too, and with each prompt."""
    query = authorization_query(**change, prompt=prompt, request="x", response_type="token", scope="nothing")
    for headers in (BROWSES, None):
        answer = client.get(f"/oauth/authorize?{query}", headers=headers)
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert 'href="https://evil' not in answer.get_data(as_text=True)
    assert answer.get_json()["error"] in {"invalid_request", "invalid_client", "invalid_redirect_uri"}


def test_fault_of_the_address_is_a_page_for_browsers_and_json_for_others(
    client: FlaskClient, app: Flask
) -> None:
    query = authorization_query(client_id="unknown")
    page = client.get(f"/oauth/authorize?{query}", headers=BROWSES)
    assert page.mimetype == "text/html"
    assert "No app is registered with this client_id." in page.get_data(as_text=True)
    error = client.get(f"/oauth/authorize?{query}").get_json()
    assert error == {
        "code": "oauth_client_unknown",
        "message": "No app is registered with this client_id.",
        "error": "invalid_client",
        "error_description": "No app is registered with this client_id.",
        "request_id": error["request_id"],
    }


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request": "x"}, "request_not_supported"),
        ({"request_uri": "x"}, "request_uri_not_supported"),
        ({"registration": "x"}, "registration_not_supported"),
        ({"scope": ""}, "invalid_scope"),
        ({"resource": "https://api.example.com"}, "invalid_target"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"code_challenge": ""}, "invalid_request"),
    ],
)
def test_other_faults_go_to_the_client(
    app: Flask, client: FlaskClient, change: dict[str, str], error: str
) -> None:
    answer = client.get(f"/oauth/authorize?{authorization_query(**change)}", headers=BROWSES)
    assert answer.status_code == 303  # fault 69: never 307
    assert answer.location.startswith(f"{CALLBACK}?")
    told = parameters_of(answer.location)
    assert (told["error"], told["state"], told["iss"]) == (error, "s t&te", "http://localhost:8000")
    assert told.keys() == {"error", "error_description", "state", "iss", "request_id"}
    assert told["request_id"] == answer.headers["X-Request-Id"]


def test_error_joins_the_query_of_the_address(app: Flask, client: FlaskClient) -> None:
    address = f"{CALLBACK}?tenant=1"
    client_row(app, "other", redirect_uris=[address])
    query = authorization_query(client_id="other", redirect_uri=address, prompt="x", state=None)
    told = parameters_of(client.get(f"/oauth/authorize?{query}").location)
    assert (told["tenant"], told["error"]) == ("1", "invalid_request")
    assert "state" not in told


def test_state_that_is_repeated_is_not_sent_back(app: Flask, client: FlaskClient) -> None:
    answer = client.get(f"/oauth/authorize?{authorization_query()}&state=other")
    assert "state" not in parameters_of(answer.location)


def test_fault_69_post_is_sent_on_to_the_get(app: Flask, client: FlaskClient) -> None:
    query = authorization_query()
    answer = client.post("/oauth/authorize", data=dict(parse_qsl(query)))
    assert (answer.status_code, answer.location) == (303, f"/oauth/authorize?{query}")
    assert client.get(answer.location, headers=BROWSES).status_code == 200


def test_post_reads_the_body_alone_and_keeps_repetitions(app: Flask, client: FlaskClient) -> None:
    pairs = [*parse_qsl(authorization_query()), ("prompt", "login"), ("prompt", "none"), ("x", ""), ("x", "")]
    answer = client.post("/oauth/authorize?nonce=n", data=urlencode(pairs), content_type=FORM)
    assert "nonce" not in answer.location
    told = parameters_of(client.get(answer.location).location)
    assert (told["error"], told["error_description"]) == (
        "invalid_request",
        "A parameter is in the request more than once.",
    )
    assert client.post("/oauth/authorize", json={}).status_code == 415
    assert client.post("/oauth/authorize", data=b"a=%ff", content_type=FORM).status_code == 400


def test_get_and_strangers_write_nothing(app: Flask, client: FlaskClient) -> None:
    before = everything(app)
    query = authorization_query()
    ticket = opened(client, query)
    for prompt in ("none", "login", "create"):
        opened(client, authorization_query(prompt=prompt))
    client.get(f"/oauth/authorize?{authorization_query(client_id='unknown')}")
    client.post("/oauth/authorize", data=dict(parse_qsl(query)))
    for prompt in ("none", ""):
        asked = authorization_query(prompt=prompt)
        client.post("/auth/authorizations", json={"query": asked, "ticket": opened(client, asked)})
    client.post("/auth/authorizations", json={"query": query, "ticket": ticket[:-1]})
    assert everything(app) == before


def test_refusals_of_a_known_client_are_counted_for_operators(app: Flask, client: FlaskClient) -> None:
    for change in ({"redirect_uri": f"{CALLBACK}/"}, {"response_type": "token"}):
        client.get(f"/oauth/authorize?{authorization_query(**change)}")
        app.extensions["auth_services"].clock.advance(61)
    client.get(f"/oauth/authorize?{authorization_query(client_id='unknown')}")
    found = rows(app, "SELECT client_id, reason, step, detail FROM oauth_refusals ORDER BY id")
    assert [(row["client_id"], row["reason"], row["step"]) for row in found] == [
        ("app", "redirect_unknown", "authorize"),
        ("app", "response_type", "authorize"),
    ]
    assert "a slash at the end" in found[0]["detail"]


def test_hostile_queries_never_fail(app: Flask, client: FlaskClient) -> None:
    hostile = ["%00", "%ff", "a=%", "=", "&&&", "client_id=%00", "client_id=app&redirect_uri=%00"]
    hostile += ["client_id=app&state=\u00e9\u202e", "\u00e9"]
    hostile += [authorization_query(redirect_uri=address) for address in NEAR_MISSES]
    names = "state nonce scope prompt resource login_hint id_token_hint display client_id".split()
    hostile += [authorization_query(**{name: "\x00\u202e\"'<>\\"}) for name in names]
    for query in hostile:
        for headers in (BROWSES, None):
            assert client.get(f"/oauth/authorize?{query}", headers=headers).status_code < 500, query


def test_values_are_shown_in_development_only(app: Flask, client: FlaskClient, make_app: AppFactory) -> None:
    query = authorization_query(redirect_uri=f"{CALLBACK}/<script>")
    shown = client.get(f"/oauth/authorize?{query}", headers=BROWSES).get_data(as_text=True)
    assert f"<code>{CALLBACK}/&lt;script&gt;</code>" in shown
    assert f"<code>{CALLBACK}</code>" in shown
    assert "the path differs" in shown


def test_production_shows_words_and_a_request_id(app: Flask, client: FlaskClient) -> None:
    built = app.extensions["auth_services"]
    production = replace(built.settings, flask_env="production")
    app.extensions["auth_services"] = replace(built, settings=production)
    query = authorization_query(redirect_uri=f"{CALLBACK}/secret-of-the-request")
    answer = client.get(f"/oauth/authorize?{query}", headers=BROWSES)
    shown = answer.get_data(as_text=True)
    assert "the path differs" in shown
    assert "It must be equal character for character" in shown
    assert answer.headers["X-Request-Id"] in shown
    assert "secret-of-the-request" not in shown
    assert CALLBACK not in shown
    assert "secret-of-the-request" not in client.get(f"/oauth/authorize?{query}").get_data(as_text=True)


def test_224_sent_values_are_cut_and_inert(app: Flask, client: FlaskClient) -> None:
    query = authorization_query(redirect_uri=f"https://app.example.com/{'x' * 300}", client_id="app")
    page = client.get(f"/oauth/authorize?{query}", headers=BROWSES).get_data(as_text=True)
    assert f"https://app.example.com/{'x' * 176}…" in page
    assert "x" * 180 not in page


def test_page_is_the_same_for_everyone_but_for_its_ticket(app: Flask, client: FlaskClient) -> None:
    query = authorization_query()
    first, second = opened(client, query), opened(client, authorization_query(state="other"))
    assert first != second
    page = client.get(f"/oauth/authorize?{query}", headers=BROWSES)
    assert "frame-ancestors 'none'" in page.headers["Content-Security-Policy"]
    assert "form-action 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


def test_link_authorize_gets_the_query_and_the_ticket_in_the_fragment(make_app: AppFactory) -> None:
    app = make_app({"LINK_AUTHORIZE": "https://www.example.com/allow", "PAGES_ENABLED": "false"})
    client_row(app)
    client, query = app.test_client(), authorization_query()
    answer = client.get(f"/oauth/authorize?{query}")
    page, _, ticket = answer.location.partition("#ticket=")
    assert (answer.status_code, page) == (303, f"https://www.example.com/allow?{query}")
    body = {"query": query, "ticket": ticket}
    assert client.post("/auth/authorizations", json=body).get_json()["status"] == "login"
    assert client.get(f"/oauth/authorize?{authorization_query(client_id='x')}", headers=BROWSES).is_json


def test_without_pages_and_link_there_is_nothing(make_app: AppFactory) -> None:
    app = make_app({"PAGES_ENABLED": "false"})
    client_row(app)
    assert app.test_client().get(f"/oauth/authorize?{authorization_query()}").status_code == 404


def test_calls_of_a_network_are_limited_without_a_write(make_app: AppFactory, clock: FixedClock) -> None:
    app = make_app(ON, limiter=limits(clock, authorize=2, authorizations=2))
    client_row(app)
    client, query = app.test_client(), authorization_query()
    ticket = opened(client, query)
    before = everything(app)
    assert [client.get(f"/oauth/authorize?{query}").status_code for _ in range(2)] == [200, 429]
    body = {"query": query, "ticket": ticket}
    assert [client.post("/auth/authorizations", json=body).status_code for _ in range(3)] == [200, 200, 429]
    assert everything(app) == before

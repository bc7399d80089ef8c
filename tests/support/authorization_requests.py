"""Authorization requests of a client, for tests: their queries, and the calls of their page."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from models import db
from tables.oauth import Client, OAuthClientResource, OAuthResource
from tests.support.service import START, bearer

CALLBACK = "https://app.example.com/cb"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, appendix B
BROWSES = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SNAPSHOT = Client(
    id="app",
    name="App",
    kind="web",
    uri=None,
    policy_uri=None,
    terms_uri=None,
    redirect_uris=[CALLBACK],
    post_logout_uris=[],
    backchannel_uri=None,
    scopes=["openid", "profile", "email", "offline_access"],
    pkce="required",
    trusted=False,
    id_token_alg="RS256",
    claims_in_id_token=True,
    takes_unverified=False,
    require_factor=False,
    required_permission=None,
    created_at=START,
    disabled_at=None,
)


def authorization_query(**changes: str | None) -> str:
    """Return the query of a request that is right, with changes; None leaves a parameter out."""
    parameters: dict[str, str | None] = {
        "client_id": "app",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid email",
        "state": "s t&te",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return urlencode({name: value for name, value in (parameters | changes).items() if value is not None})


def resource_row(
    app: Flask, identifier: str, scopes: dict[str, str], *, of: str | None = "app", is_default: bool = False
) -> None:
    """Insert a resource, whose own client must exist as `api`, and let the client `of` ask for it."""
    with app.app_context():
        db.session.add(
            OAuthResource(
                identifier=identifier, client_id="api", name="Reports", scopes=scopes, created_at=START
            )
        )
        db.session.flush()
        if of:
            db.session.add(OAuthClientResource(client_id=of, resource=identifier, is_default=is_default))
        db.session.commit()


def opened(client: FlaskClient, query: str) -> str:
    """Open a request as a browser does; return its ticket."""
    page = client.get(f"/oauth/authorize?{query}", headers=BROWSES)
    assert page.status_code == 200, (page.status_code, page.location, page.get_data(as_text=True))
    found = re.search(r'data-ticket="([^"]+)" data-query="([^"]*)"', page.get_data(as_text=True))
    assert found
    assert unescape(found[2]) == query
    return found[1]


def asked(
    client: FlaskClient, query: str, access: str = "", *, ticket: str | None = None, **more: Any
) -> dict[str, Any]:
    """Ask what the person is asked for a request; return the answer, or the error."""
    body = {"query": query, "ticket": ticket or opened(client, query)} | more
    answer = client.post("/auth/authorizations", json=body, headers=bearer(access) if access else None)
    return _body(answer)


def decided(
    client: FlaskClient,
    query: str,
    access: str,
    *,
    ticket: str | None = None,
    allow: bool = True,
    **more: Any,
) -> dict[str, Any]:
    """Decide about a request; return the answer, or the error."""
    body = {"query": query, "ticket": ticket or opened(client, query), "allow": allow} | more
    return _body(client.post("/auth/authorizations/decision", json=body, headers=bearer(access)))


def parameters_of(address: str) -> dict[str, str]:
    """Return the parameters of an answer's address, each of which must be there once."""
    found = parse_qs(urlsplit(address).query, strict_parsing=True)
    assert all(len(values) == 1 for values in found.values())
    return {name: values[0] for name, values in found.items()}


def sent(answer: dict[str, Any]) -> dict[str, str]:
    """Return the parameters that the client gets."""
    assert answer["status"] == "redirect", answer
    return parameters_of(answer["redirect_to"])


def _body(answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code < 500
    found: dict[str, Any] = answer.get_json()
    return found

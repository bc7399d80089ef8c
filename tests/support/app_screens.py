"""Shared by the screen tests of requests of apps: clients of the site, and the apps that get the answer."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, expect
from sqlalchemy import create_engine, delete, insert

from tables.oauth import OAuthClient
from tests.support.authorization_requests import authorization_query, parameters_of
from tests.support.screen_steps import submit, waits
from tests.support.screens import Site
from tests.support.service import START

SETTLED = 600  # milliseconds after which the button lets an app in


def client_in(site: Site, client_id: str, address: str, **columns: Any) -> str:
    """Insert a client into the database of the site; return the query of a request of it."""
    values: dict[str, Any] = {
        "id": client_id,
        "name": client_id.title(),
        "kind": "web",
        "redirect_uris": [address],
        "post_logout_uris": [],
        "scopes": ["openid", "email"],
        "pkce": "required",
        "trusted": False,
        "id_token_alg": "RS256",
        "claims_in_id_token": True,
        "takes_unverified": False,
        "require_factor": False,
        "created_at": START,
    }
    engine = create_engine(f"sqlite:///{site.mails.parent / 'auth.db'}")
    with engine.begin() as connection:
        connection.execute(delete(OAuthClient).where(OAuthClient.id == client_id))
        connection.execute(insert(OAuthClient).values(**(values | columns)))
    engine.dispose()
    return authorization_query(client_id=client_id, redirect_uri=address)


def app_at(page: Page, host: str) -> list[str]:
    """Serve this host to the browser; return the addresses that it is called with."""
    found: list[str] = []

    def serve(route: Route) -> None:
        found.append(route.request.url)
        page_of_app = '<!doctype html><title>App</title><link rel="icon" href="data:,"><h1>App</h1>'
        route.fulfill(status=200, content_type="text/html", body=page_of_app)

    page.context.route(lambda url: urlsplit(url).hostname == host, serve)
    return found


def arrived(page: Page, found: list[str]) -> dict[str, str]:
    """Wait for the browser at the app; return the parameters of the answer."""
    waits(page, found)
    page.wait_for_url(re.compile(r"https://app\d*\.example\.com/"))
    assert len(found) == 1
    return parameters_of(found[0])


def allow(page: Page) -> None:
    expect(page.get_by_role("button", name="Allow")).to_be_visible()
    page.wait_for_timeout(SETTLED)
    submit(page, "Allow")

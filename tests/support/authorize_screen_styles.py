"""The page of an authorization request in all of its states, with a stubbed API, and its faults."""

from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Route, expect

from tests.support.account_screen_styles import EMAIL, signed_in
from tests.support.authorization_requests import BROWSES, authorization_query
from tests.support.memory_apps import memory_app
from tests.support.oauth import client_row
from tests.support.screen_steps import answer

PATH = "/oauth/authorize"
ACCOUNT = {"email": EMAIL, "username": "your.name", "has_password": True, "two_factor_enabled": False}
WEB = {
    "id": "grafana",
    "name": "Grafana",
    "redirect_kind": "web",
    "redirect_host": "grafana.example.com",
    "resource": None,
    "policy_uri": None,
    "terms_uri": None,
}
DOCUMENTS = {
    "policy_uri": "https://grafana.example.com/privacy",
    "terms_uri": "https://grafana.example.com/terms",
}
LOOPBACK = WEB | {"name": "Tool", "redirect_kind": "loopback", "redirect_host": "127.0.0.1:5000"}
APP = WEB | {"name": "Pocket", "redirect_kind": "app", "redirect_host": "com.example.pocket"}


def scope(name: str, words: str | None = None, *, allowed: bool = False) -> dict[str, Any]:
    return {"name": name, "words": words, "allowed": allowed}


FOUR = [scope(name) for name in ("openid", "profile", "email", "offline_access")]
MORE = [
    *(scope(name, allowed=True) for name in ("openid", "email")),
    scope("reports:read", "Read your reports"),
]


@cache
def served(query: str, cookies: str) -> tuple[int, str]:
    """Return what the service answers to a browser with this request, of a client `app`."""
    with memory_app() as app:
        client_row(app)
        headers = BROWSES | {"Cookie": cookies}
        page = app.test_client(use_cookies=False).get(f"{PATH}?{query}", headers=headers)
        return page.status_code, page.get_data(as_text=True)


def opened(page: Page, status: int, body: dict[str, Any], query: str | None = None) -> None:
    """Open a request to which the API gives this answer."""
    signed_in(page)
    asked = authorization_query() if query is None else query
    cookies = "; ".join(f"{each['name']}={each['value']}" for each in page.context.cookies())
    code, shell = served(asked, cookies)

    def fulfil(route: Route) -> None:
        route.fulfill(status=code, content_type="text/html; charset=utf-8", body=shell)

    page.route(lambda url: urlsplit(url).path == PATH, fulfil)
    answer(page, "/auth/authorizations", status, body)
    page.goto(f"{PATH}?{asked}")


def _card(body: dict[str, Any], page: Page) -> None:
    opened(page, 200, {"client": WEB, "account": ACCOUNT} | body)
    expect(page.locator("h1")).to_be_focused()
    expect(page).not_to_have_title("One Moment \N{EN DASH} AxiomTech")


def _expired(page: Page) -> None:
    opened(page, 400, {"code": "oauth_ticket_invalid"})
    expect(page.get_by_role("heading", name="This Request Has Expired")).to_be_focused()


def _failed(page: Page) -> None:
    opened(page, 429, {"code": "rate_limited"})
    expect(page.get_by_role("button", name="Try Again")).to_be_visible()


def _fault(page: Page) -> None:
    opened(page, 200, {}, authorization_query(redirect_uri="https://app.example.com/cb/"))
    expect(page.get_by_role("heading", name="This App Is Not Set Up Correctly")).to_be_focused()


def _consent(page: Page, **more: Any) -> None:
    _card({"status": "consent", "scopes": FOUR, "new": True} | more, page)
    expect(page.get_by_role("button", name="Allow")).to_be_visible()


AUTHORIZE_STATES: dict[str, Callable[[Page], Any]] = {
    "authorize": _consent,
    "authorize-more": partial(_consent, scopes=MORE, new=False, client=WEB | {"resource": "Reports"}),
    "authorize-documents": partial(_consent, client=WEB | DOCUMENTS),
    "authorize-loopback": partial(_consent, client=LOOPBACK),
    "authorize-app": partial(_consent, client=APP),
    "authorize-account": partial(_card, {"status": "select_account"}),
    "authorize-reauth": partial(_card, {"status": "reauth", "by_factor": False}),
    "authorize-reauth-factor": partial(_card, {"status": "reauth", "by_factor": True}),
    "authorize-denied": partial(_card, {"status": "permission_missing", "redirect_to": "https://x.example"}),
    "authorize-expired": _expired,
    "authorize-failed": _failed,
    "oauth-error": _fault,
}

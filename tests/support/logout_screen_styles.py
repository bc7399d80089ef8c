"""The page that logs out in all of its states, with a stubbed API."""

from collections.abc import Callable
from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.account_screen_styles import signed_in
from tests.support.screen_steps import answer, submit

CALL = "/auth/authorizations/logout"
OTHERS = "/auth/sessions/revoke-others"
ASKED = {"status": "confirm", "app": "Grafana"}
BACK = {"redirect_to": "https://grafana.example.com/", "host": "grafana.example.com"}
DONE = {"status": "done", "app": "Grafana", "apps": ["Order Desk", "Team Wiki"]} | BACK


def asked(page: Page, path: str = "/logout", body: dict[str, Any] | None = None) -> None:
    """Open the page, to which the API says that the person is asked."""
    signed_in(page)
    answer(page, CALL, 200, body or {"status": "confirm"})
    page.goto("/terms")
    page.evaluate("document.cookie = '__Host-signed-in=1; path=/; secure'")
    page.goto(path)
    expect(page.locator("#who")).to_be_visible()


def by_app(page: Page) -> None:
    asked(page, "/oauth/logout?client_id=grafana", ASKED)


def reauth(page: Page) -> None:
    """Ask to log out of all other devices, with a login that is not fresh."""
    asked(page)
    answer(page, OTHERS, 403, {"code": "reauth_required"})
    page.get_by_label("Also log out of all other devices").check()
    submit(page, "Log Out")
    expect(page.get_by_role("heading", name="Confirm It's You")).to_be_focused()
    page.mouse.move(0, 0)  # the pointer is over a button of the new card


def done(page: Page, body: dict[str, Any]) -> None:
    by_app(page)
    answer(page, CALL, 200, body)
    submit(page, "Log Out")
    expect(page.get_by_role("heading", name="You Are Logged Out")).to_be_focused()
    page.mouse.move(0, 0)


def failed(page: Page) -> None:
    asked(page)
    page.route(f"**{CALL}", lambda route: route.abort())
    submit(page, "Log Out")
    expect(page.get_by_role("button", name="Try Again")).to_be_visible()


def _not_signed_in(page: Page) -> None:
    answer(page, CALL, 200, {"status": "done"})
    page.goto("/logout")
    expect(page.get_by_role("heading", name="You Are Logged Out")).to_be_focused()


LOGOUT_STATES: dict[str, Callable[[Page], Any]] = {
    "logout": asked,
    "logout-app": by_app,
    "logout-reauth": reauth,
    "logout-done": partial(done, body={"status": "done"}),
    "logout-done-apps": partial(done, body=DONE),
    "logout-not-signed-in": _not_signed_in,
    "logout-failed": failed,
}

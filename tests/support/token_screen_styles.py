"""The page of API tokens in all of its states, with a stubbed API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.account_screen_styles import signed_in
from tests.support.screen_steps import answer, submit

PERMISSIONS = ["invoices:send", "reports:read"]
TOKEN = "auth_pat_0123456789ABCDEFGHIJKLMNOPQRSTUV1ggZdL"


def _in(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def token(name: str, days: float = 60, **more: Any) -> dict[str, Any]:
    """Return a token that expires in this many days, as the API lists it."""
    known = {"id": f"id-of-{name}", "name": name, "permissions": ["reports:read"], "shown": "auth_pat_…gZdL"}
    return known | {"created_at": _in(-30), "expires_at": _in(days), "last_used_at": None} | more


def _tokens() -> list[dict[str, Any]]:
    return [
        token("backup script", last_used_at=_in(-2), permissions=PERMISSIONS),
        token("nightly report", 3),
        token("old one", -1, last_used_at=_in(-20)),
    ]


def opened(page: Page, tokens: list[dict[str, Any]], permissions: list[str] | None = None) -> None:
    """Open the page with these tokens, and these permissions to offer."""
    signed_in(page)
    offered = PERMISSIONS if permissions is None else permissions
    answer(page, "/auth/tokens", 200, {"tokens": tokens, "permissions": offered})
    page.goto("/account/tokens")
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def listed(page: Page) -> None:
    opened(page, _tokens())
    expect(page.locator("#list > li")).to_have_count(3)


def _empty(page: Page) -> None:
    opened(page, [])
    expect(page.locator("#empty")).to_be_visible()


def _nothing(page: Page) -> None:
    opened(page, [], [])
    expect(page.locator("#nothing")).to_be_visible()


def _loading(page: Page) -> None:
    signed_in(page)
    page.route("**/auth/tokens", lambda _: None)
    page.goto("/account/tokens")
    expect(page.locator("#list[aria-busy=true] > li")).to_have_count(3)


def _not_loaded(page: Page) -> None:
    signed_in(page)
    answer(page, "/auth/tokens", 429, {"code": "rate_limited", "message": "No"}, Retry_After="90")
    page.goto("/account/tokens")
    expect(page.get_by_role("button", name="Try Again")).to_be_visible()


def form(page: Page) -> None:
    listed(page)
    submit(page, "Create Token")
    expect(page.locator("#new-title")).to_be_focused()


def _form_errors(page: Page) -> None:
    form(page)
    submit(page, "Create Token")
    expect(page.locator("#token-name")).to_be_focused()
    expect(page.locator("#permission-0-error")).not_to_be_empty()


def made(page: Page) -> None:
    form(page)
    answer(page, "/auth/tokens", 201, {"api_token": token("deploy"), "token": TOKEN})
    page.locator("#token-name").fill("deploy")
    page.get_by_label("reports:read").check()
    submit(page, "Create Token")
    expect(page.locator("#made-title")).to_be_focused()


def _made_errors(page: Page) -> None:
    made(page)
    page.get_by_role("button", name="Done").click(force=True)  # it looks disabled
    expect(page.locator("#copied")).to_be_focused()


def _remove(page: Page) -> None:
    listed(page)
    submit(page, "Remove nightly report")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


TOKEN_STATES: dict[str, Callable[[Page], Any]] = {
    "account-tokens": listed,
    "account-tokens-empty": _empty,
    "account-tokens-nothing": _nothing,
    "account-tokens-loading": _loading,
    "account-tokens-not-loaded": _not_loaded,
    "account-tokens-new": form,
    "account-tokens-new-errors": _form_errors,
    "account-tokens-made": made,
    "account-tokens-made-errors": _made_errors,
    "account-tokens-remove": _remove,
    "account-tokens-long-name": partial(opened, tokens=[token("B" * 80)]),
}

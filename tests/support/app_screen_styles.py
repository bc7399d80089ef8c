"""The page of apps in all of its states, with a stubbed API."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.account_screen_styles import signed_in
from tests.support.screen_steps import answer, submit

STANDARD = ("openid", "profile", "email", "offline_access")


def _ago(days: float) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def listed_app(name: str, days: float | None = 2, *scopes: str, **more: Any) -> dict[str, Any]:
    """Return an app that was used this many days ago, as the API lists it."""
    known: dict[str, Any] = {"client_id": name.lower().replace(" ", "-"), "name": name}
    known |= {"host": f"{known['client_id']}.example.com", "resources": [], "works_without_you": False}
    known["scopes"] = [{"name": each, "words": None} for each in scopes or STANDARD[:3]]
    used = None if days is None else _ago(days)
    address = None if days is None else "203.0.113.7"
    return known | {"allowed_at": _ago(30), "last_used_at": used, "ip_address": address} | more


def _apps() -> list[dict[str, Any]]:
    orders = [{"name": "openid", "words": None}, {"name": "orders:read", "words": "Read your orders"}]
    return [
        listed_app("Grafana"),
        listed_app("Order Desk", 0.1, scopes=orders, resources=["Orders"]),
        listed_app("Photo Sync", 9, *STANDARD, works_without_you=True, host=None),
        listed_app("Team Wiki", None),
    ]


def opened(page: Page, apps: list[dict[str, Any]]) -> None:
    """Open the page with these apps."""
    signed_in(page)
    answer(page, "/auth/apps", 200, {"apps": apps})
    page.goto("/account/apps")
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)


def listed(page: Page) -> None:
    opened(page, _apps())
    expect(page.locator("#list > li")).to_have_count(4)


def details(page: Page) -> None:
    listed(page)
    for summary in page.locator("#list summary").all():
        summary.click()


def _empty(page: Page) -> None:
    opened(page, [])
    expect(page.locator("#empty")).to_be_visible()


def _loading(page: Page) -> None:
    signed_in(page)
    page.route("**/auth/apps", lambda _: None)
    page.goto("/account/apps")
    expect(page.locator("#list[aria-busy=true] > li")).to_have_count(3)


def _not_loaded(page: Page) -> None:
    signed_in(page)
    answer(page, "/auth/apps", 429, {"code": "rate_limited", "message": "No"}, Retry_After="90")
    page.goto("/account/apps")
    expect(page.get_by_role("button", name="Try Again")).to_be_visible()


def remove(page: Page) -> None:
    listed(page)
    submit(page, "Remove access of Grafana")
    expect(page.get_by_role("button", name="Cancel")).to_be_focused()


APP_STATES: dict[str, Callable[[Page], Any]] = {
    "account-apps": listed,
    "account-apps-details": details,
    "account-apps-empty": _empty,
    "account-apps-loading": _loading,
    "account-apps-not-loaded": _not_loaded,
    "account-apps-one": partial(opened, apps=[listed_app("Grafana")]),
    "account-apps-thirty": partial(opened, apps=[listed_app(f"App {number}") for number in range(30)]),
    "account-apps-long-name": partial(opened, apps=[listed_app("B" * 80)]),
    "account-apps-remove": remove,
}

"""The page of a logout request of an application."""

from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import calls
from tests.support.screens import PHONE, Site, log_in, said

pytestmark = pytest.mark.slow


def test_person_is_asked_and_logs_out(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    asked = calls(screen, "/auth/authorizations/logout")
    screen.goto("/oauth/logout")
    expect(screen.get_by_role("heading", name="Log Out?")).to_be_focused()
    expect(screen.locator("#who")).to_have_text(f"You are logged in as {address} on this device.")
    expect(screen.get_by_role("link", name="Stay Logged In")).to_have_attribute("href", "/account")
    assert len(asked) == 1
    screen.get_by_role("button", name="Log Out").click()
    expect(screen.get_by_role("heading", name="You Are Logged Out")).to_be_focused()
    expect(screen.locator("#close")).to_be_visible()
    expect(screen.locator("#back")).to_be_hidden()
    assert ["status", "Logging out"] in said(screen)
    screen.goto("/account")
    screen.wait_for_url("**/login?next=%2Faccount")


def test_logout_page_without_a_session_says_logged_out(screen: Page) -> None:
    screen.goto("/oauth/logout?client_id=nobody&post_logout_redirect_uri=https%3A%2F%2Fevil.example%2F")
    expect(screen.get_by_role("heading", name="You Are Logged Out")).to_be_focused()
    expect(screen.locator("#close")).to_be_hidden()
    assert screen.locator("a[href*=evil]").count() == 0


def test_unreachable_service_is_reported_and_can_be_tried_again(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/oauth/logout")
    button = screen.get_by_role("button", name="Log Out")
    expect(button).to_be_visible()
    screen.route("**/auth/authorizations/logout", lambda route: route.abort())
    button.click()
    alert = screen.locator("#form-error")
    expect(alert).to_contain_text("We could not reach the server. You are still logged in.")
    screen.unroute("**/auth/authorizations/logout")
    alert.get_by_role("button", name="Try Again").click()
    expect(screen.get_by_role("heading", name="You Are Logged Out")).to_be_visible()


def test_app_is_named_and_its_address_offered(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    body: dict[str, Any] = {"status": "confirm", "app": "<b>Grafana</b>"}
    screen.route("**/auth/authorizations/logout", lambda route: route.fulfill(json=body))
    screen.set_viewport_size(PHONE)
    screen.goto(f"/oauth/logout?{urlencode({'client_id': 'grafana'})}")
    expect(screen.locator("#asks")).to_contain_text("<b>Grafana</b> asks to log you out of")
    assert screen.evaluate("document.documentElement.scrollWidth <= innerWidth")
    body.clear()
    body |= {"status": "done", "redirect_to": "https://grafana.example.com/", "host": "grafana.example.com"}
    screen.get_by_role("button", name="Log Out").click()
    back = screen.get_by_role("link", name="Back to grafana.example.com")
    expect(back).to_have_attribute("href", "https://grafana.example.com/")


def test_other_tabs_follow(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    tab = screen.context.new_page()
    tab.goto("/account")
    screen.goto("/oauth/logout")
    screen.get_by_role("button", name="Log Out").click()
    tab.wait_for_url("**/login?reason=logged_out**")

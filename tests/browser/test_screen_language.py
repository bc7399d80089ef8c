"""The language of an account on the screens: chosen on the profile page, followed after a login."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.support.screens import Site, log_in
from tests.support.service import PASSWORD

COOKIE = "__Host-lang"
HTML = "html"


def chosen(page: Page) -> list[str]:
    """Return the language that this browser has stored, in a list, or an empty one."""
    return [each.get("value", "") for each in page.context.cookies() if each.get("name") == COOKIE]


@pytest.mark.slow
def test_language_chosen_in_the_profile_is_that_of_the_pages_and_of_the_next_browser(
    screen: Page, other: Page, site: Site
) -> None:
    address = site.registered()
    log_in(screen, address)
    choice = screen.locator("#locale")
    expect(screen.locator("#email-shown")).to_have_text(address)
    expect(choice).to_have_value("")
    choice.select_option("de")
    screen.get_by_role("button", name="Save Language").click()
    expect(screen.locator(HTML)).to_have_attribute("lang", "de")
    expect(choice).to_have_value("de")
    assert chosen(screen) == ["de"]
    assert chosen(other) == []
    log_in(other, address)
    expect(other.locator(HTML)).to_have_attribute("lang", "de")
    assert chosen(other) == ["de"]

    other.locator("#locale").select_option("")
    other.get_by_role("button", name="Sprache speichern").click()
    expect(other.locator(HTML)).to_have_attribute("lang", "en")
    assert chosen(other) == []


@pytest.mark.slow
def test_language_chosen_at_the_foot_stays_after_a_login(screen: Page, site: Site) -> None:
    address = site.registered()
    credentials = {"email": address, "password": PASSWORD}
    token = site.server.call("POST", "/auth/login", credentials)[1]["access_token"]
    assert site.server.call("PATCH", "/auth/me", {"locale": "de"}, token)[0] == 200
    screen.goto("/login")
    screen.evaluate(f"document.cookie = '{COOKIE}=en; Path=/; Secure'")
    log_in(screen, address)
    expect(screen.locator("#locale")).to_have_value("de")
    expect(screen.locator(HTML)).to_have_attribute("lang", "en")
    screen.get_by_role("button", name="Save Language").click()
    expect(screen.locator(HTML)).to_have_attribute("lang", "de")
    expect(screen.locator("#locale")).to_have_value("de")
    screen.get_by_role("button", name="Sprache speichern").click()
    expect(screen.locator("#toast")).to_have_text(re.compile(r"Ihre Sprache wurde gespeichert\."))


@pytest.mark.slow
def test_language_is_not_saved_before_the_choice_of_the_account_is_shown(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    expect(screen.locator("#locale")).to_be_enabled()
    screen.route("**/auth/me", lambda route: route.abort())
    screen.reload()
    expect(screen.get_by_role("button", name="Try Again")).to_be_visible()
    expect(screen.locator("#locale")).to_be_disabled()
    expect(screen.get_by_role("button", name="Save Language")).to_be_disabled()
    screen.unroute("**/auth/me")
    screen.get_by_role("button", name="Try Again").click()
    expect(screen.locator("#locale")).to_be_enabled()

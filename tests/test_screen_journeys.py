"""Whole journeys through the pages, as a newcomer makes them."""

from playwright.sync_api import Page, expect

from tests.screens import Site, browser, complaints, log_in, screen, site
from tests.support import PASSWORD

__all__ = ["browser", "complaints", "screen", "site"]
NEW_PASSWORD = "marble-lantern-orchard-58"


def test_sign_up_confirm_and_log_in(screen: Page, site: Site) -> None:
    screen.goto("/")
    screen.get_by_role("link", name="Sign Up").click()
    screen.get_by_label("Email Address").fill("newcomer@example.com")
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    screen.get_by_label("Confirm Password").fill(PASSWORD)
    screen.get_by_label("I agree to").check()
    screen.get_by_role("button", name="Sign Up").click()
    expect(screen.get_by_role("heading", name="Check Your Email")).to_be_focused()
    expect(screen.locator("#sent-text")).to_contain_text("newcomer@example.com")
    screen.goto(site.link("newcomer@example.com", "/verify-email"))
    expect(screen.locator("#verify-text")).to_contain_text("n•••@example.com")
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    screen.get_by_role("button", name="Confirm Email").click()
    expect(screen.get_by_role("heading", name="Email Confirmed")).to_be_focused()
    log_in(screen, "newcomer@example.com")


def test_forgot_to_reset(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto("/forgot")
    screen.get_by_label("Email Address").fill(address)
    screen.get_by_role("button", name="Send Reset Link").click()
    expect(screen.get_by_role("heading", name="Check Your Email")).to_be_focused()
    screen.goto(site.link(address, "/reset"))
    expect(screen.locator("#reset-for")).to_have_text(f"for {address}")
    assert screen.url == f"{site.url}/reset"
    screen.get_by_label("New Password", exact=True).fill(NEW_PASSWORD)
    screen.get_by_label("Confirm New Password").fill(NEW_PASSWORD)
    screen.get_by_role("button", name="Save New Password").click()
    expect(screen.get_by_role("heading", name="Password Changed")).to_be_visible()
    screen.get_by_role("link", name="Log In").click()
    log_in(screen, address, NEW_PASSWORD)

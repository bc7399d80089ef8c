"""Mailed links in a browser: reload, back navigation, change of address, and void links."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import NEW_PASSWORD, calls, heading, held, reset_link, submit, waits
from tests.support.screens import Site, log_in
from tests.support.service import PASSWORD


def test_a_reload_does_not_lose_the_link(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto(reset_link(site, address))
    for _ in range(2):
        expect(screen.locator("#reset-for")).to_have_text(f"for {address}")
        screen.reload()
    for field in ("New Password", "Confirm New Password"):
        screen.get_by_label(field, exact=True).fill(NEW_PASSWORD)
    submit(screen, "Save New Password")
    screen.wait_for_url("**/reset/done")


@pytest.mark.slow
def test_back_from_the_reject_page_keeps_the_link(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto(site.link(address, "/verify-email"))
    screen.get_by_role("link", name="I did not sign up").click()
    heading(screen, "I Did Not Sign Up")
    screen.reload()
    heading(screen, "I Did Not Sign Up")
    screen.go_back()
    heading(screen, "Confirm Your Email")
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(screen, "Confirm Email")
    heading(screen, "Email Confirmed")
    screen.reload()
    heading(screen, "Email Confirmed")


@pytest.mark.slow
def test_address_change_confirmed_in_the_requesting_browser(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    asked = calls(screen, "/auth/email/change")
    expect(screen.locator("#email-shown")).to_have_text(address)
    field = screen.get_by_label("New Email Address")
    field.fill(address.upper())
    submit(screen, "Send Link")
    expect(field).to_have_accessible_description("This is already your address")
    assert asked == []
    field.fill("moved@example.com")
    submit(screen, "Send Link")
    expect(screen.locator("#email-done")).to_be_focused()
    expect(screen.locator("#email-done")).to_contain_text("moved@example.com")
    screen.goto(site.link("moved@example.com", "/verify-email"))
    expect(screen.locator("#verify-text")).to_have_text("Confirm that m•••@example.com is your new address.")
    expect(screen.locator("#verify-reject")).to_be_hidden()
    submit(screen, "Confirm Email")
    heading(screen, "Email Changed")
    screen.reload()
    heading(screen, "Email Changed")
    screen.get_by_role("link", name="Continue").click()
    expect(screen.locator("#email-shown")).to_have_text("moved@example.com")
    expect(screen.locator("#email-state")).to_have_text("Confirmed")


@pytest.mark.slow
def test_address_change_confirmed_in_another_browser(screen: Page, other: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.get_by_label("New Email Address").fill("elsewhere@example.com")
    submit(screen, "Send Link")
    expect(screen.locator("#email-done")).to_be_focused()
    other.goto(site.link("elsewhere@example.com", "/verify-email"))
    expect(other.locator("#verify-text")).to_have_text(
        "Enter your password to change your address to e•••@example.com"
    )
    expect(other.locator("#verify-reject")).to_be_hidden()
    other.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(other, "Confirm Email")
    heading(other, "Email Changed")
    # The first tab updates when it becomes visible again.
    screen.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(screen.locator("#email-shown")).to_have_text("elsewhere@example.com")


@pytest.mark.slow
def test_disown_page_offers_no_login_link(screen: Page, site: Site) -> None:
    address = site.registered()
    assert site.server.call("POST", "/auth/login", {"email": address, "password": PASSWORD})[0] == 200
    screen.goto(site.link(address, "/disown"))
    submit(screen, "Log Out All Devices")
    heading(screen, "All Devices Are Logged Out")
    expect(screen.locator(".actions a")).to_have_text(["Send the Link Again"])
    screen.get_by_role("link", name="Send the Link Again").click()
    heading(screen, "Forgot Your Password?")


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/restore", "/undo-email-change", "/disown", "/reject"])
def test_void_link_page_offers_distinct_links(screen: Page, path: str) -> None:
    screen.goto(f"{path}#token={'x' * 43}")
    screen.locator("#link-form button").click()
    heading(screen, "This Link Does Not Work")
    places = screen.locator(".actions a").evaluate_all("(links) => links.map((link) => link.href)")
    assert len(places) == len(set(places)) > 0


@pytest.mark.slow
def test_replaced_link_page_explains_how_to_start_again(screen: Page, site: Site) -> None:
    log_in(screen, site.registered(confirmed=True))
    for address in ("first@example.com", "second@example.com"):
        screen.get_by_label("New Email Address").fill(address)
        submit(screen, "Send Link")
        expect(screen.locator("#email-done")).to_contain_text(address)
    screen.goto(site.link("second@example.com", "/verify-email"))
    submit(screen, "Confirm Email")
    heading(screen, "Email Changed")
    screen.goto("about:blank")
    screen.goto(site.link("first@example.com", "/verify-email"))
    heading(screen, "This Link Was Already Used")
    expect(screen.locator("#swap .lead")).to_contain_text("start again on your profile page")
    screen.get_by_role("link", name="Send a New Link").click()
    screen.get_by_label("Email Address").fill("second@example.com")
    submit(screen, "Send a New Link")
    heading(screen, "Check Your Email")
    expect(screen.locator("#swap .lead")).to_have_text(
        "If second@example.com is not confirmed yet, we've sent a link to it."
    )


@pytest.mark.slow
def test_submit_during_the_link_check_is_kept(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    with held(screen, "/auth/email/verify/check") as checks:
        screen.goto(site.link(address, "/verify-email"))
        waits(screen, checks)
        submit(screen, "Confirm Email")
        checks[0].continue_()
        heading(screen, "Email Confirmed")


@pytest.mark.slow
def test_confirmation_link_of_another_account_asks_for_the_password(screen: Page, site: Site) -> None:
    theirs = site.registered()
    log_in(screen, site.registered())
    screen.goto(site.link(theirs, "/verify-email"))
    submit(screen, "Confirm Email")
    expect(screen.get_by_role("alert")).to_contain_text("logged in with another account here")
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(screen, "Confirm Email")
    heading(screen, "Email Confirmed")

"""End-to-end journeys of a new user."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.phone import Phone
from tests.support.screen_steps import fill_signup, reach, submit
from tests.support.screens import Site, log_in
from tests.support.service import PASSWORD

NEW_PASSWORD = "marble-lantern-orchard-58"


def test_sign_up_and_confirmation_log_in_and_keep_the_next_page(screen: Page, site: Site) -> None:
    screen.goto("/login?next=/account/devices?x=1%232")
    screen.get_by_role("link", name="Sign Up").click()
    screen.wait_for_url("**/signup?**")  # and its script
    screen.get_by_label("Email Address").fill("newcomer@example.com")
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    screen.get_by_label("Confirm Password").fill(PASSWORD)
    screen.get_by_label("I agree to").check()
    screen.get_by_role("button", name="Sign Up").click()
    expect(screen.get_by_role("heading", name="Check Your Email")).to_be_focused()
    expect(screen.locator("#sent-text")).to_contain_text("newcomer@example.com")
    confirming = screen.context.new_page()
    confirming.goto(site.link("newcomer@example.com", "/verify-email"))
    expect(confirming.locator("#verify-text")).to_have_text("Confirm that n•••@example.com is your address.")
    expect(confirming.get_by_label("Password", exact=True)).to_be_hidden()
    expect(confirming.get_by_role("link", name="I did not sign up")).to_be_visible()
    confirming.get_by_role("button", name="Confirm Email").click()
    expect(confirming.get_by_role("heading", name="Email Confirmed")).to_be_focused()
    confirming.get_by_role("link", name="Continue").click()
    confirming.wait_for_url("**/account/devices?x=1#2")
    expect(confirming.get_by_text("This device", exact=True)).to_be_visible()


@pytest.mark.slow
def test_confirmation_in_another_browser_asks_for_the_password_and_logs_in(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto(site.link(address, "/verify-email"))
    screen.get_by_label("Password", exact=True).fill(PASSWORD)
    screen.get_by_role("button", name="Confirm Email").click()
    expect(screen.get_by_role("heading", name="Email Confirmed")).to_be_focused()
    screen.get_by_role("link", name="Continue").click()
    screen.wait_for_url("**/account")
    expect(screen.locator("#email-shown")).to_have_text(address)


def switch_on_factor(site: Site, address: str) -> str:
    """Give an account, whose address need not be confirmed, an authenticator app; return a recovery code."""
    call = site.server.call
    access = call("POST", "/auth/login", {"email": address, "password": PASSWORD})[1]["access_token"]
    phone = Phone(call("POST", "/auth/totp", {}, access)[1]["secret"])
    codes: list[str] = call("POST", "/auth/totp/confirm", {"code": phone.code()}, access)[1]["recovery_codes"]
    return codes[0]


@pytest.mark.slow
def test_second_factor_at_the_confirmation_keeps_the_next_page(screen: Page, site: Site) -> None:
    address = "factor-early@example.com"
    screen.goto("/signup?next=/account/devices?x=1")
    fill_signup(screen, address)
    submit(screen, "Sign Up")
    screen.wait_for_url("**/signup/sent**")
    recovery_code = switch_on_factor(site, address)
    confirming = screen.context.new_page()
    confirming.goto(site.link(address, "/verify-email"))
    confirming.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(confirming, "Confirm Email")
    confirming.wait_for_url("**/two-factor")
    submit(confirming, "Use a recovery code instead")
    confirming.get_by_label("Recovery Code").fill(recovery_code)
    confirming.keyboard.press("Enter")
    confirming.wait_for_url("**/account/devices?x=1")


@pytest.mark.slow
def test_person_is_logged_in_with_the_password_typed_twice_by_keyboard_alone(
    screen: Page, site: Site
) -> None:
    keys, address = screen.keyboard, "twice@example.com"
    screen.goto("/signup")
    for field, words in (("email", address), ("new-password", PASSWORD), ("confirm-password", PASSWORD)):
        reach(screen, field)
        keys.type(words)
    reach(screen, "terms")
    keys.press("Space")
    reach(screen, "Sign Up")
    keys.press("Enter")
    screen.wait_for_url("**/signup/sent")
    screen.goto(site.link(address, "/verify-email"))
    expect(screen.locator("#verify-text")).to_contain_text("is your address")
    reach(screen, "Confirm Email")
    keys.press("Enter")
    expect(screen.get_by_role("heading", name="Email Confirmed")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    screen.wait_for_url("**/account")
    expect(screen.locator("#email-shown")).to_have_text(address)
    expect(screen.locator("#email-state")).to_have_text("Confirmed")


def test_forgot_password_to_reset(screen: Page, site: Site) -> None:
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
    expect(screen.get_by_role("heading", name="Password Changed")).to_be_focused()
    screen.get_by_role("link", name="Log In").click()
    log_in(screen, address, NEW_PASSWORD)


@pytest.mark.slow
def test_sign_up_to_password_reset_by_keyboard_alone(screen: Page, site: Site) -> None:
    """Sign up, confirm, see the devices, log out, forget the password, log in with a new one."""
    keys, address = screen.keyboard, "keyboard@example.com"

    def type_into(*fields: tuple[str, str]) -> None:
        for field, words in fields:
            reach(screen, field)
            keys.type(words)

    screen.goto("/")
    reach(screen, "/signup")
    keys.press("Enter")
    screen.wait_for_url("**/signup")
    type_into(("email", address), ("new-password", PASSWORD), ("confirm-password", PASSWORD))
    reach(screen, "terms")
    keys.press("Space")
    reach(screen, "Sign Up")
    keys.press("Enter")
    screen.wait_for_url("**/signup/sent")
    screen.goto(site.link(address, "/verify-email"))
    expect(screen.locator("#verify-text")).to_contain_text("k•••@example.com")
    reach(screen, "Confirm Email")
    keys.press("Enter")
    expect(screen.get_by_role("heading", name="Email Confirmed")).to_be_focused()
    keys.press("Tab")
    keys.press("Enter")
    screen.wait_for_url("**/account")
    reach(screen, "/account/devices")
    keys.press("Enter")
    expect(screen.locator("#list > li")).to_have_count(1)
    reach(screen, "Log Out")
    keys.press("Enter")
    screen.wait_for_url("**/login?reason=logged_out")
    reach(screen, "forgot-link")
    keys.press("Enter")
    screen.wait_for_url("**/forgot")
    type_into(("email", address))
    keys.press("Enter")
    screen.wait_for_url("**/forgot/sent")
    screen.goto(site.link(address, "/reset"))
    expect(screen.locator("#reset-for")).to_have_text(f"for {address}")
    type_into(("new-password", NEW_PASSWORD), ("confirm-password", NEW_PASSWORD))
    keys.press("Enter")
    screen.wait_for_url("**/reset/done")
    reach(screen, "/login")
    keys.press("Enter")
    screen.wait_for_url("**/login")
    type_into(("email", address), ("current-password", NEW_PASSWORD))
    keys.press("Enter")
    screen.wait_for_url("**/account")
    expect(screen.locator("#email-state")).to_have_text("Confirmed")

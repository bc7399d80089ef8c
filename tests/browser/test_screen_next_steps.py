"""Next steps after each action, and where the focus goes."""

import re

import pytest
from playwright.sync_api import Page, Response, expect

from tests.support.screen_steps import NEW_PASSWORD, answer, fill_login, fill_signup, reach, submit
from tests.support.screens import Site, log_in
from tests.support.service import PASSWORD


@pytest.mark.slow
def test_login_reason_disappears_after_an_attempt(screen: Page, site: Site) -> None:
    screen.goto("/login?reason=expired")
    expect(screen.get_by_text("You have been logged out.")).to_be_visible()
    fill_login(screen, site.registered(), "not the right one")
    submit(screen, "Log In")
    expect(screen.get_by_role("alert")).to_contain_text("not correct")
    expect(screen.get_by_text("You have been logged out.")).to_have_count(0)


@pytest.mark.slow
def test_reload_after_account_deletion_leads_to_login(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/delete")
    submit(screen, "Delete My Account")
    screen.locator("#dialog-password").fill(PASSWORD)
    screen.keyboard.press("Enter")
    expect(screen.get_by_role("heading", name="Your Account Is Closed")).to_be_focused()
    assert screen.locator(".panel").evaluate("(panel) => panel.offsetWidth") > 600
    screen.reload()
    assert screen.url == f"{site.url}/login"
    expect(screen.get_by_role("heading", name="Log In")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/account/devices", "/account/activity"])
def test_ended_session_is_detected_with_one_refresh_per_page(screen: Page, site: Site, path: str) -> None:
    log_in(screen, site.registered())
    expect(screen.locator("#username-shown")).not_to_have_text("…")
    refused: list[str] = []

    def note(got: Response) -> None:
        if got.status == 401:
            refused.append(got.url)

    screen.on("response", note)
    answer(screen, "/auth/refresh", 401, {"code": "refresh_token_missing"})
    screen.goto(path)
    screen.wait_for_url("**/login?reason=expired**")
    assert [url for url in refused if not url.endswith("/auth/refresh")] == []
    assert len(refused) <= 2  # one by each page


@pytest.mark.slow
def test_unchanged_password_is_reported_at_its_field(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/security")
    for name in ("Current Password", "New Password", "Confirm New Password"):
        screen.get_by_label(name, exact=True).fill(PASSWORD)
    submit(screen, "Save New Password")
    field = screen.get_by_label("New Password", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description(
        "Use 8 characters or more. A few unrelated words work well. "
        "Choose a password that is not your current one"
    )
    for again in ("New Password", "Confirm New Password"):
        screen.get_by_label(again, exact=True).fill(NEW_PASSWORD)
    submit(screen, "Save New Password")
    expect(screen.locator("#changed")).to_be_focused()
    screen.get_by_role("link", name="See Your Devices").click()
    expect(screen.locator("#list > li")).to_have_count(1)


@pytest.mark.slow
def test_unchanged_username_is_reported_at_its_field(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    field = screen.get_by_label("New User Name")
    expect(screen.locator("#username-shown")).not_to_have_text("…")
    field.fill(screen.locator("#username-shown").inner_text())
    submit(screen, "Save User Name")
    expect(field).to_have_accessible_description("This is already your user name")


@pytest.mark.slow
def test_confirmation_mail_can_be_resent_from_the_profile(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    submit(screen, "Resend Email")
    expect(screen.locator("#resend-done")).to_be_focused()
    expect(screen.locator("#resend-done")).to_contain_text(address)
    expect(screen.locator("#resend")).to_be_hidden()
    site.link(address, "/verify-email")


@pytest.mark.slow
def test_retry_keeps_the_focus_in_the_page(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    answer(screen, "/auth/sessions", 429, {"code": "rate_limited"}, Retry_After="60")
    screen.goto("/account/devices")
    again = screen.get_by_role("button", name="Try Again")
    expect(again).to_be_visible()
    screen.unroute("**/auth/sessions")
    again.click()
    expect(screen.locator("#list > li")).to_have_count(1)
    expect(screen.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.slow
def test_sign_up_page_redirects_a_logged_in_user(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/signup")
    screen.wait_for_url("**/account")


@pytest.mark.slow
def test_back_from_terms_keeps_the_form_values(screen: Page) -> None:
    screen.goto("/signup")
    screen.get_by_label("Email Address").fill("half@example.com")
    screen.get_by_role("link", name="Terms & Conditions").first.click()
    screen.wait_for_url("**/terms")
    screen.get_by_role("link", name="Back").click()
    screen.wait_for_url("**/signup")
    expect(screen.get_by_label("Email Address")).to_have_value("half@example.com")
    screen.goto("about:blank")
    screen.goto("/privacy")
    screen.get_by_role("link", name="Back").click()
    screen.wait_for_url("**/login")


@pytest.mark.slow
def test_skip_link_leads_past_the_navigation(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/devices")
    expect(screen.locator("#list > li")).to_have_count(1)
    reach(screen, "#content")
    screen.keyboard.press("Enter")
    screen.keyboard.press("Tab")
    expect(screen.locator("#list > li").get_by_role("button")).to_be_focused()


@pytest.mark.slow
def test_toast_closes_on_the_next_submit_and_returns_the_focus(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    field = screen.get_by_label("New User Name")
    for name in ("Countess", "duchess"):
        field.fill(name)
        submit(screen, "Save User Name")
        expect(screen.locator(".toast__box")).to_be_visible()
        screen.get_by_role("button", name="Dismiss").focus()
        screen.keyboard.press("Enter")
        expect(screen.get_by_role("button", name="Save User Name")).to_be_focused()
    field.fill("baroness")
    submit(screen, "Save User Name")
    expect(screen.locator(".toast__box")).to_be_visible()
    field.fill("a b")
    submit(screen, "Save User Name")
    expect(screen.locator(".toast__box")).to_have_count(0)
    expect(field).to_be_focused()


@pytest.mark.slow
def test_account_deletion_dialog_names_the_action(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/delete")
    submit(screen, "Delete My Account")
    dialog = screen.get_by_role("dialog", name="Delete Your Account?")
    expect(dialog.get_by_role("button", name="Delete My Account")).to_be_visible()
    expect(dialog.get_by_label("Password", exact=True)).to_be_focused()


@pytest.mark.slow
def test_validation_on_blur_does_not_swallow_the_click(screen: Page) -> None:
    screen.goto("/signup")
    fill_signup(screen, "somebody@example.com")
    screen.get_by_label("Confirm Password").fill("something else")
    box = screen.get_by_role("button", name="Sign Up").bounding_box()
    assert box
    screen.mouse.move(box["x"] + 20, box["y"] + 2)
    screen.mouse.down()
    screen.mouse.up()
    expect(screen.get_by_label("Confirm Password")).to_be_focused()
    expect(screen).to_have_title(re.compile("^Error: "))


@pytest.mark.slow
def test_resent_mail_is_confirmed_visibly(screen: Page) -> None:
    screen.goto("/forgot")
    screen.get_by_label("Email Address").fill("unknown@example.com")
    submit(screen, "Send Reset Link")
    screen.wait_for_url("**/forgot/sent")
    expect(screen.locator("#resend-done")).to_be_hidden()
    submit(screen, "Resend Email")
    expect(screen.locator("#resend-done")).to_have_text("The email is on its way again.")
    expect(screen.locator("#resend-done")).to_be_visible()

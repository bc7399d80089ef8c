"""Two accounts in one browser, and expiring sessions: no action applies to the wrong account."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import NEW_PASSWORD, answer, calls, fill_login, held, submit, waits
from tests.support.screens import Site, log_in, opened
from tests.support.service import PASSWORD


def ended_from_elsewhere(site: Site, address: str) -> None:
    credentials = {"email": address, "password": PASSWORD}
    token = site.server.call("POST", "/auth/login", credentials)[1]["access_token"]
    assert site.server.call("POST", "/auth/sessions/revoke-others", {}, token)[0] == 200


def test_form_of_one_account_is_not_submitted_for_another(
    screen: Page, site: Site, complaints: list[str]
) -> None:
    first, second = site.registered(), site.registered()
    log_in(screen, first)
    expect(screen.locator("#email-shown")).to_have_text(first)
    other = opened(screen.context, complaints)
    other.add_init_script("delete globalThis.BroadcastChannel")  # it cannot notify the first tab
    ended_from_elsewhere(site, first)
    other.goto("/login?next=/terms")
    other.wait_for_load_state("networkidle")
    fill_login(other, second)
    submit(other, "Log In")
    other.wait_for_url("**/terms")
    changed = calls(screen, "/auth/email/change")
    screen.get_by_label("New Email Address").fill("mine@example.com")
    submit(screen, "Send Link")
    expect(screen.locator("#email-shown")).to_have_text(second)
    expect(screen.get_by_label("New Email Address")).to_have_value("")
    assert len(changed) == 1  # which was refused


@pytest.mark.slow
def test_login_as_another_account_updates_the_other_tabs(
    screen: Page, site: Site, complaints: list[str]
) -> None:
    first, second = site.registered(), site.registered()
    log_in(screen, first)
    expect(screen.locator("#email-shown")).to_have_text(first)
    ended_from_elsewhere(site, first)
    other = opened(screen.context, complaints)
    log_in(other, second)
    expect(screen.locator("#email-shown")).to_have_text(second)


def test_step_up_of_a_cancelled_dialog_is_discarded(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/delete")
    left = []
    screen.on("request", lambda request: left.append(request) if request.method == "DELETE" else None)
    with held(screen, "/auth/reauth") as routes:
        submit(screen, "Delete My Account")
        screen.locator("#dialog-password").fill(PASSWORD)
        screen.keyboard.press("Enter")
        waits(screen, routes)
        screen.keyboard.press("Escape")
        submit(screen, "Delete My Account")
        expect(screen.locator("#dialog-password")).to_have_value("")
        routes[0].fulfill(status=200, json={"access_token": "a.b.c", "expires_in": 3600})
        screen.evaluate("fetch('/terms').then((answer) => answer.text())")  # the answer before it has come
        expect(screen.get_by_role("dialog")).to_be_visible()
        assert left == []
    screen.locator("#dialog-password").fill(PASSWORD)
    screen.keyboard.press("Enter")
    expect(screen.get_by_role("heading", name="Your Account Is Closed")).to_be_focused()


def test_failed_logout_does_not_show_logged_out(screen: Page, site: Site, complaints: list[str]) -> None:
    log_in(screen, site.registered())
    other = opened(screen.context, complaints)
    other.goto("/account")
    answer(screen, "/auth/logout", 429, {"code": "rate_limited"}, Retry_After="60")
    submit(screen, "Log Out")
    expect(screen.get_by_role("alert").first).to_contain_text("Try again in 1 minute.")
    assert [tab.url for tab in (screen, other)] == [f"{site.url}/account"] * 2
    screen.unroute("**/auth/logout")
    submit(screen, "Try Again")
    for tab in (screen, other):
        tab.wait_for_url("**/login?reason=logged_out")


@pytest.mark.slow
def test_reset_link_of_another_account_keeps_the_session(screen: Page, site: Site) -> None:
    mine, theirs = site.registered(), site.registered()
    assert site.server.call("POST", "/auth/password/forgot", {"email": theirs})[0] == 202
    link = site.link(theirs, "/reset")
    log_in(screen, mine)
    screen.goto(link)
    for field in ("#new-password", "#confirm-password"):
        screen.locator(field).fill(NEW_PASSWORD)
    submit(screen, "Save New Password")
    screen.wait_for_url("**/reset/done")
    screen.goto("/")
    expect(screen.locator("#email-shown")).to_have_text(mine)


@pytest.mark.slow
def test_second_link_in_the_same_tab_replaces_the_first(screen: Page, site: Site) -> None:
    address = site.registered()
    assert site.server.call("POST", "/auth/password/forgot", {"email": address})[0] == 202
    screen.goto(f"/reset#token={'x' * 43}")
    expect(screen.get_by_role("heading", name="This Link Does Not Work")).to_be_visible()
    screen.goto(site.link(address, "/reset"))
    expect(screen.locator("#reset-for")).to_have_text(f"for {address}")
    assert screen.url == f"{site.url}/reset"


@pytest.mark.slow
def test_logout_clears_the_typed_address(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.evaluate("sessionStorage.setItem('auth.email', 'private@example.com')")
    submit(screen, "Log Out")
    screen.wait_for_url("**/login?reason=logged_out")
    assert screen.evaluate("sessionStorage.length") == 0

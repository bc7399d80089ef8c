"""The page that asks before it logs out. The number in a test's name is that of the list of checks."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support import logout_screen_styles as states
from tests.support.account_screen_styles import signed_in
from tests.support.memory_apps import memory_app
from tests.support.screen_steps import answer, calls, heading, submit
from tests.support.screens import Site, log_in, opened

pytestmark = pytest.mark.slow
BOX = "Also log out of all other devices"


def test_225_page_asks_and_then_other_tabs_follow(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    tab = screen.context.new_page()
    tab.goto("/account")
    screen.goto("/logout?next=/account/apps")
    heading(screen, "Log Out?")
    expect(screen.locator("#who")).to_have_text(f"You are logged in as {address} on this device.")
    expect(screen.locator("#asks")).to_be_hidden()
    expect(screen.get_by_label(BOX)).not_to_be_checked()
    expect(screen.get_by_role("link", name="Stay Logged In")).to_have_attribute("href", "/account/apps")
    submit(screen, "Log Out")
    heading(screen, "You Are Logged Out")
    expect(screen.locator("h1")).to_be_focused()
    expect(screen.locator("#close")).to_have_text("Close the browser if this is not your own device.")
    tab.wait_for_url("**/login?reason=logged_out**")
    expect(screen.get_by_role("link", name="Log In")).to_have_attribute(
        "href", "/login?next=%2Faccount%2Fapps"
    )


def test_person_who_is_not_logged_in_is_told_so_at_once(screen: Page) -> None:
    screen.goto("/logout")
    heading(screen, "You Are Logged Out")
    for hidden in ("#close", "#apps", "#back"):
        expect(screen.locator(hidden)).to_be_hidden()


@pytest.mark.parametrize("is_ticked", [True, False])
def test_box_logs_out_of_all_other_devices(
    screen: Page, browser: Browser, site: Site, complaints: list[str], is_ticked: bool
) -> None:
    address = site.registered()
    other = opened(browser.new_context(base_url=site.url), complaints)
    log_in(other, address)
    log_in(screen, address)
    screen.goto("/logout")
    if is_ticked:
        screen.get_by_label(BOX).check()
    submit(screen, "Log Out")
    heading(screen, "You Are Logged Out")
    other.goto("/account")
    if is_ticked:
        other.wait_for_url("**/login?**")
    else:
        expect(other.get_by_text(address).first).to_be_visible()
    other.context.close()


def test_login_that_is_not_fresh_is_proven_again_before_other_devices_are_logged_out(screen: Page) -> None:
    states.reauth(screen)
    ended = calls(screen, states.CALL)
    expect(screen.locator("#reauth-text")).to_have_text(
        "Enter your password again to log out of all other devices."
    )
    expect(screen.get_by_role("link", name="Stay Logged In")).to_be_visible()
    answer(screen, "/auth/reauth", 403, {"code": "wrong_current_password"})
    screen.get_by_label("Password", exact=True).fill("wrong")
    submit(screen, "Continue")
    expect(screen.get_by_label("Password", exact=True)).to_be_focused()
    assert ended == []
    answer(screen, "/auth/reauth", 200, {"access_token": "a.b.c"})
    answer(screen, states.OTHERS, 200, {"ended": 2})
    answer(screen, states.CALL, 200, {"status": "done"})
    submit(screen, "Continue")
    heading(screen, "You Are Logged Out")
    expect(screen.locator("h1")).to_be_focused()
    assert len(ended) == 1


def test_failure_to_log_out_of_other_devices_ends_nothing(screen: Page) -> None:
    states.asked(screen)
    ended = calls(screen, states.CALL)
    screen.route(f"**{states.OTHERS}", lambda route: route.abort())
    screen.get_by_label(BOX).check()
    submit(screen, "Log Out")
    alert = screen.locator("#form-error")
    expect(alert).to_contain_text("We could not reach the server. You are still logged in.")
    assert ended == []
    answer(screen, states.OTHERS, 200, {"ended": 2})
    answer(screen, states.CALL, 200, {"status": "done"})
    alert.get_by_role("button", name="Try Again").click()
    heading(screen, "You Are Logged Out")


def test_apps_that_keep_a_login_are_named_as_plain_text(screen: Page) -> None:
    names = ["<b>Wiki</b>", "Order Desk"]
    states.done(screen, {"status": "done", "apps": names} | states.BACK)
    expect(screen.locator("#apps")).to_have_text("You may still be logged in to: <b>Wiki</b>, Order Desk.")
    expect(screen.locator("#apps bdi")).to_have_text(names)
    expect(screen.get_by_role("link", name="Back to grafana.example.com")).to_be_visible()


def test_page_by_keyboard(screen: Page) -> None:
    states.asked(screen)
    expect(screen.locator("h1")).to_be_focused()
    ended = calls(screen, states.CALL)
    for target in (
        screen.get_by_label(BOX),
        screen.get_by_role("button", name="Log Out"),
        screen.get_by_role("link", name="Stay Logged In"),
    ):
        screen.keyboard.press("Tab")
        expect(target).to_be_focused()
    screen.keyboard.press("Shift+Tab")
    assert ended == []
    answer(screen, states.CALL, 200, {"status": "done"})
    screen.keyboard.press("Enter")
    heading(screen, "You Are Logged Out")


def test_without_the_provider_the_page_logs_out_too(screen: Page) -> None:
    with memory_app({"OAUTH_PROVIDER": "false"}) as app:
        shell = app.test_client().get("/logout").get_data(as_text=True)
    signed_in(screen)
    screen.route(
        lambda url: urlsplit(url).path == "/logout",
        lambda route: route.fulfill(content_type="text/html; charset=utf-8", body=shell),
    )
    asked = calls(screen, states.CALL)
    screen.goto("/logout")
    heading(screen, "You Are Logged Out")
    screen.evaluate("document.cookie = '__Host-signed-in=1; path=/; secure'")
    answer(screen, "/auth/logout", 204)
    ended = calls(screen, "/auth/logout")
    screen.reload()
    heading(screen, "Log Out?")
    submit(screen, "Log Out")
    heading(screen, "You Are Logged Out")
    assert (len(asked), len(ended)) == (0, 1)


def test_103_page_logs_out_without_javascript(browser: Browser, site: Site, screen: Page) -> None:
    log_in(screen, site.registered())
    kept = screen.context.storage_state()
    without = browser.new_context(base_url=site.url, java_script_enabled=False, storage_state=kept)
    page = without.new_page()
    page.goto("/logout")
    page.get_by_role("button", name="Log Out").click()
    page.wait_for_url("**/login?reason=logged_out")
    without.close()

"""The devices page. The number in a test's name is that of the list of checks."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import stale
from tests.support.screens import Site, log_in, said
from tests.support.service import PASSWORD


def items(page: Page) -> list[str]:
    return page.locator("#list .item__title").all_inner_texts()


def test_80_and_64_devices_are_listed_and_logged_out(screen: Page, other: Page, site: Site) -> None:
    address = site.registered()
    log_in(other, address, remember=True)
    log_in(screen, address)
    with screen.expect_response("**/auth/sessions") as listed:
        screen.goto("/account/devices")
    for session in listed.value.json()["sessions"]:
        assert all(len(str(value)) <= 60 for value in session.values())
    expect(screen.locator("#list > li")).to_have_count(2)
    assert [name.count("This device") for name in items(screen)] == [1, 0]
    assert "Remembered" in items(screen)[1]
    expect(screen.locator("#list time").first).to_have_text("Last active now")
    name = screen.locator("#list > li").nth(1).get_by_role("button").get_attribute("aria-label") or ""
    assert name.startswith("Log Out HeadlessChrome")
    screen.locator("#list > li").nth(1).get_by_role("button").click()
    expect(screen.locator("#list > li")).to_have_count(1)
    expect(screen.get_by_role("heading", name="Logged in on")).to_be_focused()
    assert ["status", f"{name.removeprefix('Log Out ')} was logged out."] in said(screen)
    expect(screen.locator("#end-others")).to_be_hidden()
    other.goto("/account")
    other.wait_for_url("**/login?reason=expired**")


@pytest.mark.slow
def test_ending_the_current_device_logs_out(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/devices")
    screen.locator("#list > li").get_by_role("button").click()
    screen.wait_for_url("**/login?reason=logged_out")
    screen.goto("/account")
    screen.wait_for_url("**/login?next=%2Faccount")


@pytest.mark.slow
def test_63_logging_out_all_other_devices_asks_for_confirmation(
    screen: Page, other: Page, site: Site
) -> None:
    address = site.registered()
    log_in(other, address)
    log_in(screen, address)
    screen.goto("/account/devices")
    opener = screen.locator("#end-others")
    opener.click()
    dialog = screen.get_by_role("dialog", name="Log Out of All Other Devices?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    behind = screen.locator("#logout-form button")
    behind.evaluate("(node) => node.focus()")
    expect(behind).not_to_be_focused()  # inert
    screen.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(opener).to_be_focused()
    expect(screen.locator("#list > li")).to_have_count(2)
    opener.click()
    dialog.get_by_role("button", name="Log Out of All Other Devices").click()
    expect(screen.locator("#list > li")).to_have_count(1)
    expect(screen.get_by_role("heading", name="Logged in on")).to_be_focused()
    assert ["status", "All other devices were logged out."] in said(screen)


def test_63_stale_login_asks_for_the_password_again(screen: Page, other: Page, site: Site) -> None:
    address = site.registered()
    log_in(other, address)
    log_in(screen, address)
    screen.goto("/account/devices")
    asked = stale(screen, "/auth/sessions/")
    button = screen.locator("#list > li").nth(1).get_by_role("button")
    button.click()
    dialog = screen.get_by_role("dialog", name="Enter Your Password")
    password = dialog.get_by_label("Password", exact=True)
    expect(password).to_be_focused()
    expect(dialog.locator("[autocomplete=username]")).to_have_value(address)
    password.fill("not the right one")
    screen.keyboard.press("Enter")
    expect(password).to_have_accessible_description("The password is not correct.")
    password.fill(PASSWORD)
    screen.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(screen.locator("#list > li")).to_have_count(1)
    assert asked == ["DELETE", "DELETE"]


@pytest.mark.slow
def test_63_cancelled_password_dialog_changes_nothing(screen: Page, other: Page, site: Site) -> None:
    address = site.registered()
    log_in(other, address)
    log_in(screen, address)
    screen.goto("/account/devices")
    asked = stale(screen, "/auth/sessions/")
    button = screen.locator("#list > li").nth(1).get_by_role("button")
    button.click()
    dialog = screen.get_by_role("dialog")
    dialog.get_by_label("Password", exact=True).fill("half of a pass")
    screen.keyboard.press("Escape")
    expect(button).to_be_focused()
    expect(screen.locator("#dialog-password")).to_have_value("")
    expect(screen.locator("#list > li")).to_have_count(2)
    assert asked == ["DELETE"]

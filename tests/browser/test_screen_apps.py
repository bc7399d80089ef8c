"""The page of apps. The number in a test's name is that of the list of checks."""

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.support import app_screen_styles as states
from tests.support.account_screen_styles import signed_in
from tests.support.memory_apps import memory_app
from tests.support.oauth_apps import connect_in_file
from tests.support.screen_steps import answer, calls, heading, submit
from tests.support.screens import Site, log_in, said


@pytest.mark.slow
def test_226_apps_are_listed_with_host_dates_and_what_they_can_do(screen: Page) -> None:
    states.details(screen)
    rows = screen.locator("#list > li")
    expect(screen.locator(".lead").first).to_have_text(
        "Apps that can access your account. Removing access stops an app from using your account. "
        "You stay logged in here, and perhaps in the app itself."
    )
    expect(rows.nth(0).locator(".fine").first).to_contain_text("grafana.example.com · Allowed ")
    expect(rows.nth(0).locator(".fine").first).to_contain_text("Last used 2 days ago")
    expect(rows.nth(0).locator("summary")).to_have_text("What it can do")
    assert rows.nth(0).locator("li").all_inner_texts() == [
        "Know who you are, by an ID that stays the same",
        "See your user name",
        "See your email address",
    ]
    expect(rows.nth(0)).to_contain_text("Last used from 203.0.113.7")
    expect(rows.nth(1)).to_contain_text("Read your orders")
    expect(rows.nth(1).locator("summary")).to_have_text("What it can do, also at Orders")
    expect(rows.nth(2).locator(".item__title")).to_have_text("Photo Sync Access at any time")
    expect(rows.nth(2).locator(".fine").first).to_contain_text("On your device · Allowed ")
    expect(rows.nth(3).locator(".fine").first).to_contain_text("Not in use now")


@pytest.mark.slow
def test_226_removal_ends_access_and_the_row_leaves(screen: Page, site: Site) -> None:
    email = site.registered()
    log_in(screen, email)
    name = f"App {uuid4().hex[:6]}"
    database = site.mails.parent / "auth.db"
    connect_in_file(database, email, name)
    screen.goto("/account/apps")
    expect(screen.locator("#list > li")).to_have_count(1)
    submit(screen, f"Remove access of {name}")
    dialog = screen.get_by_role("dialog", name=f"Remove Access of {name}?")
    expect(dialog).to_contain_text(
        "It can no longer use your account. You may have to log out in the app itself."
    )
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    dialog.get_by_role("button", name="Remove Access").click()
    expect(screen.locator("h1")).to_be_focused()
    expect(screen.locator("#list > li")).to_have_count(0)
    expect(screen.locator("#empty p")).to_have_text(
        "No app has access to your account. When you log in to an app with AxiomTech, it appears here."
    )
    assert f"{name} no longer has access." in [words for _, words in said(screen)]


@pytest.mark.slow
def test_cancelled_removal_changes_nothing(screen: Page) -> None:
    states.remove(screen)
    asked = calls(screen, "/auth/apps/grafana")
    screen.keyboard.press("Escape")
    expect(screen.get_by_role("button", name="Remove access of Grafana")).to_be_focused()
    assert asked == []
    expect(screen.locator("#list > li")).to_have_count(4)


@pytest.mark.slow
def test_focus_goes_from_the_details_of_a_row_to_its_button(screen: Page) -> None:
    states.opened(screen, [states.listed_app("Grafana")])
    screen.locator("#list summary").focus()
    screen.keyboard.press("Tab")
    expect(screen.get_by_role("button", name="Remove access of Grafana")).to_be_focused()
    screen.keyboard.press("Shift+Tab")
    screen.keyboard.press("Enter")
    expect(screen.locator("#list details")).to_have_attribute("open", "")


@pytest.mark.slow
def test_list_that_is_not_loaded_can_be_tried_again(screen: Page) -> None:
    states.APP_STATES["account-apps-not-loaded"](screen)
    expect(screen.locator("#form-error p")).to_contain_text("We could not load your apps.")
    expect(screen.locator("#list > li")).to_have_count(0)
    answer(screen, "/auth/apps", 200, {"apps": [states.listed_app("Grafana")]})
    submit(screen, "Try Again")
    expect(screen.locator("#list > li")).to_have_count(1)
    expect(screen.locator("#form-error")).to_be_empty()


@pytest.mark.slow
def test_name_of_an_app_is_plain_text(screen: Page) -> None:
    states.opened(screen, [states.listed_app("<b>x</b>")])
    expect(screen.locator("#list .item__title")).to_have_text("<b>x</b>")
    expect(screen.locator("#list b")).to_have_count(0)


@pytest.mark.slow
def test_navigation_marks_the_page(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.get_by_role("navigation", name="Account").get_by_role("link", name="Apps").click()
    heading(screen, "Apps")
    expect(screen.locator(".sections [aria-current=page]")).to_have_text("Apps")


@pytest.mark.slow
def test_devices_name_the_apps_of_a_session(screen: Page) -> None:
    signed_in(screen)
    screen.goto("/account/devices")
    expect(screen.locator("#list > li").nth(2)).to_contain_text("Logged in to Grafana, Team Wiki")
    expect(screen.locator("#list > li").first).not_to_contain_text(re.compile("Logged in to"))


def test_page_of_apps_says_so_and_is_in_no_navigation_when_the_provider_is_off() -> None:
    with memory_app({"OAUTH_PROVIDER": "false"}) as app:
        client = app.test_client()
        page = client.get("/account/apps").get_data(as_text=True)
        assert "Logging in to apps is turned off here." in page
        assert 'href="/account/apps"' not in page + client.get("/account").get_data(as_text=True)

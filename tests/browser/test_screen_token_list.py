"""The list of API tokens in its states, and what other pages show of them."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screen_tokens import create, finish, tokens
from tests.support import token_screen_styles as states
from tests.support.memory_apps import memory_app
from tests.support.screen_steps import answer, heading, stale, submit
from tests.support.screens import Site, log_in
from tests.support.service import PASSWORD

__all__ = ["tokens"]


@pytest.mark.slow
def test_stale_login_asks_for_the_password_first(tokens: Page) -> None:
    asked = stale(tokens, "/auth/tokens")
    submit(tokens, "Create Token")
    tokens.get_by_label("Name", exact=True).fill("late")
    tokens.get_by_label("reports:read").check()
    submit(tokens, "Create Token")
    dialog = tokens.get_by_role("dialog", name="Enter Your Password")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    tokens.keyboard.press("Enter")
    expect(tokens.get_by_role("heading", name="Copy Your Token Now")).to_be_focused()
    assert asked == ["POST", "POST"]
    finish(tokens)


@pytest.mark.slow
def test_tokens_that_end_are_marked(screen: Page) -> None:
    states.listed(screen)
    titles = screen.locator("#list .item__title").all_text_contents()
    assert titles == ["backup script", "nightly report Expires soon", "old one Expired"]
    facts = screen.locator("#list .fine").first
    expect(facts).to_contain_text("auth_pat_…gZdL · invoices:send, reports:read · Expires ")
    expect(facts).to_contain_text("Last used 2 days ago")


@pytest.mark.slow
def test_account_without_permissions_is_told_why_it_can_create_none(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/tokens")
    expect(screen.locator("#nothing")).to_have_text("Your account has no permissions that a token could use.")
    expect(screen.locator("#create")).to_be_hidden()
    expect(screen.locator("#empty")).to_be_hidden()


@pytest.mark.slow
def test_list_that_is_not_loaded_can_be_tried_again(screen: Page) -> None:
    states.TOKEN_STATES["account-tokens-not-loaded"](screen)
    expect(screen.locator("#form-error p")).to_contain_text("We could not load your API tokens.")
    expect(screen.locator("#list > li")).to_have_count(0)
    answer(screen, "/auth/tokens", 200, {"tokens": [states.token("found")], "permissions": []})
    submit(screen, "Try Again")
    expect(screen.locator("#list > li")).to_have_count(1)
    expect(screen.locator("#form-error")).to_be_empty()


@pytest.mark.slow
def test_password_change_names_tokens_and_removes_them_if_wanted(tokens: Page, site: Site) -> None:
    token = create(tokens)
    finish(tokens)
    for old, new, is_wanted in (
        (PASSWORD, "marble-lantern-orchard-58", False),
        ("marble-lantern-orchard-58", "violet-harbor-teapot-92", True),
    ):
        tokens.goto("/account/security")
        box = tokens.get_by_label("Remove my API tokens")
        expect(box).not_to_be_checked()
        tokens.get_by_label("Current Password", exact=True).fill(old)
        tokens.get_by_label("New Password", exact=True).fill(new)
        tokens.get_by_label("Confirm New Password", exact=True).fill(new)
        box.set_checked(is_wanted)
        submit(tokens, "Save New Password")
        expect(tokens.locator("#changed")).to_be_focused()
        left = tokens.locator("#tokens-left")
        if is_wanted:
            expect(left).to_be_hidden()
        else:
            expect(left).to_contain_text("These API tokens still work: backup script.")
            expect(left.get_by_role("link", name="API Tokens")).to_have_attribute("href", "/account/tokens")
        status = site.server.call("GET", "/auth/verify?permission=reports:read", token=token)[0]
        assert status == (401 if is_wanted else 204)
    tokens.goto("/account/security")
    expect(tokens.locator("#current-password")).to_be_visible()
    expect(tokens.get_by_label("Remove my API tokens")).to_be_hidden()


@pytest.mark.slow
def test_navigation_marks_the_page(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.get_by_role("navigation", name="Account").get_by_role("link", name="API Tokens").click()
    heading(screen, "API Tokens")
    current = screen.locator(".sections [aria-current=page]")
    expect(current).to_have_text("API Tokens")


@pytest.mark.parametrize(
    ("maximum", "offered"),
    [
        ("365", ["7 days", "30 days", "90 days*", "1 year"]),
        ("364", ["7 days", "30 days", "90 days*", "364 days"]),
        ("90", ["7 days", "30 days", "90 days*"]),
        ("60", ["7 days", "30 days", "60 days*"]),
        ("1", ["1 day*"]),
    ],
)
def test_page_offers_lifetimes_up_to_the_maximum(maximum: str, offered: list[str]) -> None:
    with memory_app({"API_TOKEN_MAX_DAYS": maximum}) as app:
        page = app.test_client().get("/account/tokens").get_data(as_text=True)
    found = re.findall(r'<option value="\d+"( selected)?>([^<]+)</option>', page)
    assert [f"{words}{'*' if chosen else ''}" for chosen, words in found] == offered


def test_page_of_tokens_that_are_off_says_so_and_is_in_no_navigation() -> None:
    with memory_app({"API_TOKENS_ENABLED": "false"}) as app:
        client = app.test_client()
        page = client.get("/account/tokens").get_data(as_text=True)
        assert "API tokens are turned off here." in page
        assert "Create Token" not in page
        assert 'href="/account/tokens"' not in page + client.get("/account").get_data(as_text=True)

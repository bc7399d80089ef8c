"""The page of API tokens. The number in a test's name is that of the list of checks."""

import re
import sqlite3
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from tests.browser.test_screen_keyboard import walk
from tests.support import token_screen_styles as states
from tests.support.screen_steps import answer, reach, submit
from tests.support.screens import DESKTOP, Site, log_in, opened, said

NOW = "2026-01-01 00:00:00.000000"
SHOWN = "document.documentElement.outerHTML + [...document.querySelectorAll('input')].map((n) => n.value)"
KEPT = "[location.href, document.title, JSON.stringify([history.state, sessionStorage, localStorage])]"


def permitted(site: Site) -> str:
    """Register an account with the permission `reports:read`; return its address."""
    address = site.registered()
    with sqlite3.connect(site.mails.parent / "auth.db") as connection:
        connection.execute(
            "INSERT OR IGNORE INTO roles (name, description, created_at) VALUES ('reader', '', ?)", [NOW]
        )
        connection.execute(
            "INSERT OR IGNORE INTO role_permissions "
            "SELECT id, 'reports:read' FROM roles WHERE name = 'reader'"
        )
        connection.execute(
            "INSERT INTO user_roles (user_id, role_id, granted_at) "
            "SELECT users.id, roles.id, ? FROM users, roles WHERE email = ? AND name = 'reader'",
            [NOW, address],
        )
    connection.close()
    return address


def create(page: Page, name: str = "backup script") -> str:
    """Create a token by the form, and return it."""
    submit(page, "Create Token")
    expect(page.get_by_role("heading", name="New Token")).to_be_focused()
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("reports:read").check()
    submit(page, "Create Token")
    expect(page.get_by_role("heading", name="Copy Your Token Now")).to_be_focused()
    return page.locator("#token").input_value()


def finish(page: Page) -> None:
    page.get_by_label("I have copied the token").check()
    submit(page, "Done")
    expect(page.locator("h1")).to_be_focused()


@pytest.fixture
def tokens(screen: Page, site: Site) -> Page:
    """Return the page of an account with a permission and no tokens."""
    log_in(screen, permitted(site))
    screen.goto("/account/tokens")
    expect(screen.locator("#create-first")).to_be_visible()
    return screen


def test_227_token_is_in_the_page_between_creation_and_done_only(tokens: Page, site: Site) -> None:
    expect(tokens.locator("#empty p")).to_have_text(
        "You have no API tokens. Create one for a script or program that has to use your account."
    )
    token = create(tokens)
    assert re.fullmatch("auth_pat_[0-9A-Za-z]{38}", token)
    field = tokens.locator("#token")
    field.focus()
    assert tokens.evaluate("getSelection().toString()") == token
    secret = token.removeprefix("auth_pat_")
    assert not [text for text in tokens.evaluate(KEPT) if secret[:8] in text]
    finish(tokens)
    assert secret[:8] not in tokens.evaluate(SHOWN)
    row = tokens.locator("#list > li")
    expect(row).to_have_count(1)
    expect(row).to_contain_text(f"auth_pat_…{token[-4:]} · reports:read · Expires ")
    expect(row).to_contain_text("Never used")
    assert not [words for _, words in said(tokens) if secret[:8] in words]
    assert site.server.call("GET", "/auth/verify?permission=reports:read", token=token)[0] == 204
    tokens.reload()
    expect(row).to_have_count(1)  # until the list is loaded there are three grey rows
    expect(row).to_contain_text("Last used now")
    assert secret[:8] not in tokens.evaluate(SHOWN)


def test_227_leaving_without_a_copy_asks_first(tokens: Page) -> None:
    token = create(tokens)
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    tokens.once("dialog", stay)
    tokens.evaluate("setTimeout(() => location.assign('/account'))")
    tokens.wait_for_timeout(300)
    assert asked == ["beforeunload"]
    expect(tokens.locator("#token")).to_have_value(token)
    tokens.once("dialog", lambda dialog: dialog.accept())
    tokens.reload()
    expect(tokens.locator("#list > li")).to_have_count(1)
    expect(tokens.locator("#token")).to_have_value("")


def test_done_explains_that_the_token_must_be_copied_first(tokens: Page) -> None:
    create(tokens)
    done = tokens.get_by_role("button", name="Done")
    expect(done).to_have_attribute("aria-disabled", "true")
    done.click(force=True)
    copied = tokens.get_by_label("I have copied the token")
    expect(copied).to_be_focused()
    expect(copied).to_have_accessible_description("Copy the token first, then tick this box")
    copied.check()
    expect(done).not_to_have_attribute("aria-disabled", "true")
    finish(tokens)


@pytest.fixture
def copying(browser: Browser, site: Site, complaints: list[str]) -> Iterator[Page]:
    """Return a page that may use the clipboard."""
    context = browser.new_context(viewport=DESKTOP, base_url=site.url)
    context.grant_permissions(["clipboard-read", "clipboard-write"], origin=site.url)
    yield opened(context, complaints)
    context.close()


@pytest.mark.slow
def test_copy_button_copies_and_says_so(copying: Page) -> None:
    states.made(copying)
    submit(copying, "Copy")
    expect(copying.locator("#toast")).to_contain_text("Copied")
    assert copying.evaluate("navigator.clipboard.readText()") == states.TOKEN
    assert states.TOKEN not in copying.locator("#toast").inner_text()
    copying.get_by_label("I have copied the token").check()


def test_228_removed_token_is_refused_at_the_next_call(tokens: Page, site: Site) -> None:
    token = create(tokens)
    finish(tokens)
    button = tokens.get_by_role("button", name="Remove backup script")
    button.click()
    dialog = tokens.get_by_role("dialog", name="Remove backup script?")
    expect(dialog).to_contain_text("Programs that use it stop working at once.")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    tokens.keyboard.press("Escape")
    expect(button).to_be_focused()
    assert site.server.call("GET", "/auth/verify?permission=reports:read", token=token)[0] == 204
    button.click()
    dialog.get_by_role("button", name="Remove").click()
    expect(tokens.locator("h1")).to_be_focused()
    expect(tokens.locator("#list > li")).to_have_count(0)
    assert ["status", "backup script was removed."] in said(tokens)
    assert site.server.call("GET", "/auth/verify?permission=reports:read", token=token)[0] == 401
    expect(tokens.locator("#empty")).to_be_visible()


@pytest.mark.slow
def test_form_errors_are_at_their_fields(tokens: Page) -> None:
    create(tokens)
    finish(tokens)
    submit(tokens, "Create Token")
    submit(tokens, "Create Token")
    name, first = tokens.get_by_label("Name", exact=True), tokens.get_by_label("reports:read")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description(re.compile("Enter a name"))
    expect(first).to_have_accessible_description("Choose at least one thing that it may do")
    expect(tokens).to_have_title(re.compile("^Error: "))
    first.check()
    expect(first).to_have_accessible_description("")
    name.fill("backup script")
    submit(tokens, "Create Token")
    expect(name).to_be_focused()
    expect(name).to_have_accessible_description(re.compile("You already have a token with this name"))
    name.fill("x" * 81)
    submit(tokens, "Create Token")
    expect(name).to_have_accessible_description(re.compile("80 characters"))
    submit(tokens, "Cancel")
    expect(tokens.locator("#create")).to_be_focused()
    expect(tokens.locator("#token-new")).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (409, {"code": "too_many_api_tokens", "limit": 50}, "You have 50 tokens. Remove one first."),
        (403, {"code": "permission_missing"}, "Your permissions have changed. Reload this page."),
    ],
)
def test_refused_creation_is_explained(
    screen: Page, status: int, body: dict[str, object], words: str
) -> None:
    states.form(screen)
    answer(screen, "/auth/tokens", status, body)
    screen.get_by_label("Name", exact=True).fill("another")
    screen.get_by_label("reports:read").check()
    submit(screen, "Create Token")
    expect(screen.locator("#token-form-error")).to_have_text(words)


@pytest.mark.slow
def test_error_of_the_choices_disappears_with_any_choice(screen: Page) -> None:
    states.form(screen)
    submit(screen, "Create Token")
    error = screen.locator("#permission-0-error")
    expect(error).to_have_text("Choose at least one thing that it may do")
    screen.get_by_label("reports:read").check()  # the second one
    expect(error).to_be_empty()


@pytest.mark.slow
def test_tab_order_of_the_form_is_visual(screen: Page) -> None:
    states.form(screen)
    stops = ["token-name", "expires", "permission-0", "permission-1", "Create Token", "cancel"]
    assert walk(screen, "Tab", len(stops)) == stops
    screen.reload()
    reach(screen, "create")
    screen.keyboard.press("Enter")
    expect(screen.locator("#new-title")).to_be_focused()
    expect(screen.get_by_label("Expires")).to_have_value("90")
    for box in screen.locator("#permissions input").all():
        expect(box).not_to_be_checked()
    label = screen.get_by_role("group", name="What it may do")
    expect(label.get_by_role("checkbox")).to_have_count(2)

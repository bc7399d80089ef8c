"""The account pages. The number in a test's name is that of the list of checks."""

from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from tests.support.screen_steps import NEW_PASSWORD, fill_login, restored, stale, submit
from tests.support.screens import Site, log_in
from tests.support.service import PASSWORD


def change_password(page: Page, current: str = PASSWORD, new: str = NEW_PASSWORD) -> None:
    page.goto("/account/security")
    page.get_by_label("Current Password", exact=True).fill(current)
    page.get_by_label("New Password", exact=True).fill(new)
    page.get_by_label("Confirm New Password", exact=True).fill(new)


def test_79_password_change_logs_out_the_other_browser(screen: Page, other: Page, site: Site) -> None:
    address = site.registered()
    for page in (screen, other):
        log_in(page, address)
    change_password(screen)
    expect(screen.get_by_label("Log out of all other devices")).to_be_checked()
    submit(screen, "Save New Password")
    expect(screen.locator("#changed")).to_be_focused()
    expect(screen.locator("#password-form")).to_be_hidden()
    other.goto("/account/devices")
    other.wait_for_url("**/login?reason=expired&next=%2Faccount%2Fdevices")
    expect(other.get_by_text("You have been logged out. Log in to continue.")).to_be_visible()
    fill_login(other, address, NEW_PASSWORD)
    submit(other, "Log In")
    other.wait_for_url("**/account/devices")
    expect(other.locator("#list > li")).to_have_count(2)


@pytest.mark.slow
def test_79_password_change_keeps_the_other_browser_if_unchecked(
    screen: Page, other: Page, site: Site
) -> None:
    address = site.registered()
    for page in (screen, other):
        log_in(page, address)
    change_password(screen)
    screen.get_by_label("Log out of all other devices").uncheck()
    submit(screen, "Save New Password")
    expect(screen.get_by_text("Your password has been changed.")).to_be_visible()
    other.goto("/account")
    expect(other.locator("#email-shown")).to_have_text(address)


@pytest.mark.slow
def test_wrong_current_password_is_reported_at_its_field(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    change_password(screen, current="not the right one")
    submit(screen, "Save New Password")
    field = screen.get_by_label("Current Password", exact=True)
    expect(field).to_be_focused()
    expect(field).to_have_accessible_description("The password is not correct.")
    expect(screen.get_by_label("New Password", exact=True)).to_have_value(NEW_PASSWORD)


@pytest.mark.slow
def test_30_password_change_form_names_the_user_for_password_managers(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    screen.goto("/account/security")
    username = screen.locator("#password-form input[autocomplete=username]")
    expect(username).to_have_value(address)
    expect(username).to_have_attribute("tabindex", "-1")
    kinds = screen.eval_on_selector_all(
        "#password-form input[type=password]", "(found) => found.map((one) => one.autocomplete)"
    )
    assert kinds == ["current-password", "new-password", "new-password"]


@pytest.mark.slow
def test_65_toast_stays_long_enough_and_covers_no_control(screen: Page, site: Site) -> None:
    address = site.registered()
    first, second = (f"{address.partition('@')[0]}-{name}" for name in ("first", "second"))
    log_in(screen, address)
    screen.clock.install()
    screen.goto("/account")
    expect(screen.locator("#email-shown")).to_have_text(address)  # a call that waits for its answer would end
    screen.clock.pause_at(datetime.now(UTC) + timedelta(hours=1))
    screen.get_by_label("New User Name").fill(first)
    submit(screen, "Save User Name")
    toast = screen.locator(".toast__box")
    expect(toast).to_contain_text("Your user name has been saved.")
    covered = """
    () => [...document.querySelectorAll("a[href], button, input")].filter((node) => {
      const box = node.getBoundingClientRect();
      if (!box.width || node.closest("#toast")) return false;
      node.scrollIntoView({ block: "nearest" });
      const { left, top, width, height } = node.getBoundingClientRect();
      return document.elementFromPoint(left + width / 2, top + height / 2)?.closest("#toast");
    }).map((node) => node.outerHTML)
    """
    assert screen.evaluate(covered) == []
    screen.set_viewport_size({"width": 360, "height": 640})
    assert screen.evaluate(covered) == []
    screen.clock.run_for(7_900)
    expect(toast).to_be_visible()
    toast.hover()
    screen.clock.run_for(60_000)
    expect(toast).to_be_visible()
    screen.mouse.move(1, 1)
    screen.clock.run_for(8_100)
    expect(toast).to_have_count(0)
    screen.get_by_label("New User Name").fill(second)
    submit(screen, "Save User Name")
    dismiss = screen.get_by_role("button", name="Dismiss")
    dismiss.focus()
    screen.clock.run_for(60_000)
    screen.keyboard.press("Enter")
    expect(toast).to_have_count(0)
    expect(screen.locator("#username-shown")).to_have_text(second)


@pytest.mark.slow
def test_invalid_or_taken_username_is_reported_at_its_field(screen: Page, site: Site) -> None:
    taken = site.registered().partition("@")[0]
    log_in(screen, site.registered())
    field = screen.get_by_label("New User Name")
    for name, words in (
        ("", "Enter a user name"),
        (taken, "This user name is taken. Choose another one."),
        ("a b", "Use up to 80 letters, digits, dots, hyphens and underscores, and no reserved word"),
    ):
        field.fill(name)
        submit(screen, "Save User Name")
        expect(field).to_have_accessible_description(words)
        expect(field).to_be_focused()


def test_63_stale_login_asks_for_the_password_before_a_new_username(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    expect(screen.locator("#email-shown")).to_have_text(address)
    asked = stale(screen, "/auth/me")
    name = f"{address.partition('@')[0]}-new"
    screen.get_by_label("New User Name").fill(name)
    submit(screen, "Save User Name")
    dialog = screen.get_by_role("dialog", name="Enter Your Password")
    dialog.get_by_label("Password", exact=True).fill(PASSWORD)
    screen.keyboard.press("Enter")
    expect(dialog).to_be_hidden()
    expect(screen.locator("#username-shown")).to_have_text(name)
    assert asked == ["PATCH", "PATCH"]


@pytest.mark.slow
def test_too_many_usernames_are_reported_at_the_field(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    field = screen.get_by_label("New User Name")
    for number in range(11):
        field.fill(f"{site.registered().partition('@')[0]}-{number}")
        submit(screen, "Save User Name")
        if number < 10:
            expect(field).to_have_value("")
    expect(field).to_have_accessible_description(
        "You have changed your user name too often. Choose one that you had before, or try again later."
    )
    expect(field).to_be_focused()


@pytest.mark.slow
def test_account_data_can_be_downloaded(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    with screen.expect_download() as download:
        submit(screen, "Download My Data")
    assert download.value.suggested_filename == "my-data.json"
    assert address in download.value.path().read_text("utf-8")


@pytest.mark.slow
def test_activity_can_be_listed_to_its_end(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    for _ in range(105):
        body = {"email": address, "password": "not the right one"}
        assert site.server.call("POST", "/auth/login", body)[0] == 401
    screen.goto("/account/activity")
    expect(screen.locator("#more")).to_be_visible()
    shown = screen.locator("#list > li").count()
    submit(screen, "Show More")
    expect(screen.locator("#list > li").nth(shown)).to_be_focused()
    expect(screen.locator("#more")).to_be_hidden()
    words = screen.locator("#list .item__title").all_inner_texts()
    assert len(words) > 105
    assert words[0] == "A login was refused: too many wrong passwords before."
    assert "You logged in." in words
    assert "A session was renewed." not in words


@pytest.mark.slow
def test_account_deletion_requires_the_password_and_can_be_undone_by_mail(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    screen.goto("/account/delete")
    submit(screen, "Delete My Account")
    expect(screen.get_by_role("dialog")).to_be_visible()
    screen.keyboard.press("Escape")
    expect(screen.get_by_role("button", name="Delete My Account")).to_be_focused()
    submit(screen, "Delete My Account")
    screen.locator("#dialog-password").fill(PASSWORD)
    screen.keyboard.press("Enter")
    expect(screen.get_by_role("heading", name="Your Account Is Closed")).to_be_focused()
    expect(screen.get_by_role("button", name="Log Out")).to_have_count(0)
    screen.goto(site.link(address, "/restore"))
    submit(screen, "Keep My Account")
    expect(screen.get_by_role("heading", name="Your Account Is Kept")).to_be_focused()
    log_in(screen, address)


@pytest.mark.slow
def test_anonymous_visitor_is_sent_to_login_and_back(screen: Page, site: Site) -> None:
    screen.goto("/account/devices")
    screen.wait_for_url("**/login?next=%2Faccount%2Fdevices")
    expect(screen.get_by_text("You have been logged out.")).to_have_count(0)
    fill_login(screen, site.registered())
    submit(screen, "Log In")
    screen.wait_for_url("**/account/devices")


@pytest.mark.slow
def test_account_page_restored_from_the_cache_reloads(screen: Page, site: Site) -> None:
    """A page that the back button shows after a logout does not keep the data of the account."""
    address = site.registered()
    log_in(screen, address)
    expect(screen.locator("#email-shown")).to_have_text(address)
    screen.context.clear_cookies()
    restored(screen)
    screen.wait_for_url("**/login?**")


@pytest.mark.slow
def test_94_change_password_url_leads_to_the_form(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/.well-known/change-password")
    assert screen.url == f"{site.url}/account/security"
    expect(screen.get_by_role("heading", name="Change Password")).to_be_visible()


@pytest.mark.slow
def test_account_page_that_cannot_load_offers_a_retry(screen: Page, site: Site) -> None:
    address = site.registered()
    log_in(screen, address)
    screen.route("**/auth/me", lambda route: route.abort())
    screen.goto("/account")
    expect(screen.get_by_role("alert").first).to_contain_text("We could not reach the server.")
    screen.unroute("**/auth/me")
    submit(screen, "Try Again")
    expect(screen.locator("#email-shown")).to_have_text(address)
    expect(screen.get_by_role("alert").first).to_be_empty()

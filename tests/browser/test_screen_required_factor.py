"""Pages with REQUIRE_SECOND_FACTOR: they lead to enrollment, then to the requested page."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_screen_factors import log_out
from tests.support.phone import Phone
from tests.support.screen_steps import fill_login, submit
from tests.support.screens import Site, running

WANTED = "This service requires a second factor."


@pytest.fixture(scope="module")
def site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    with running(sqlite_template, folder, REQUIRE_SECOND_FACTOR="true") as found:
        yield found


def set_up(page: Page) -> Phone:
    submit(page, "Set Up")
    expect(page.locator("#set-up-title")).to_be_focused()
    phone = Phone(page.locator("#key").inner_text())
    page.locator("#code").fill(phone.code())
    submit(page, "Turn On")
    page.get_by_label("I have saved these codes").check()
    submit(page, "Finish")
    return phone


def test_login_leads_to_enrollment_then_to_next(screen: Page, site: Site) -> None:
    address = site.registered()
    screen.goto("/login?next=/account/devices")
    fill_login(screen, address)
    submit(screen, "Log In")
    screen.wait_for_url("**/account/two-factor?next=%2Faccount%2Fdevices")
    expect(screen.get_by_text(WANTED)).to_be_visible()
    phone = set_up(screen)
    screen.wait_for_url("**/account/devices")
    expect(screen.locator("#list li")).to_have_count(1)
    log_out(screen)
    fill_login(screen, address)
    submit(screen, "Log In")
    screen.wait_for_url("**/two-factor")
    screen.locator("#code").fill(phone.code())
    submit(screen, "Log In")
    screen.wait_for_url("**/account")
    screen.goto("/account/two-factor")
    expect(screen.get_by_text("Two-factor authentication is on.")).to_be_visible()
    expect(screen.get_by_text(WANTED)).to_be_hidden()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/account", "/account/security", "/account/devices", "/account/delete"])
def test_other_account_pages_redirect_to_enrollment(screen: Page, site: Site, path: str) -> None:
    screen.goto("/login")
    fill_login(screen, site.registered())
    submit(screen, "Log In")
    screen.wait_for_url("**/account/two-factor?**")
    screen.goto(path)
    screen.wait_for_url(f"**/account/two-factor?next={quote(path, safe='')}")
    expect(screen.get_by_text(WANTED)).to_be_visible()

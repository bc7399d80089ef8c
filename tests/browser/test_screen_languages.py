"""What the service says in words on a screen is in the language of the page, not in that of the browser."""

import pytest
from playwright.sync_api import Page, expect

from tests.support.screens import Site, log_in


@pytest.mark.slow
def test_advice_and_activity_are_in_the_language_of_the_page(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/activity")
    expect(screen.get_by_text("You logged in.").first).to_be_visible()
    screen.get_by_label("Language").select_option("de")
    screen.locator("#language-apply").click()
    expect(screen.get_by_text("Sie haben sich angemeldet.").first).to_be_visible()
    screen.goto("/account/security")
    screen.get_by_label("Neues Passwort", exact=True).fill("password")
    expect(screen.get_by_text("Das ist eines der 10 häufigsten Passwörter.")).to_be_visible()

"""What the login page costs a browser; `make bench` prints it for every page."""

import pytest
from playwright.sync_api import Browser

from bench.pages import PHONE, measure_page
from tests.support.screens import Site

pytestmark = pytest.mark.slow


def test_login_page_is_light_and_has_no_layout_shift(browser: Browser, site: Site) -> None:
    context = browser.new_context(viewport=PHONE)
    found = measure_page(context, site.url, "/login")
    context.close()
    assert found.requests <= 11  # with the font, a module for passkeys, a challenge for the list in the field
    assert 60_000 < found.bytes < 120_000
    assert found.shift == 0
    assert [address.rpartition(".")[2] for address in found.blocking] == ["css"]

"""Nothing on a page moves while it loads. What waits for the API is shown without it after two seconds."""

from typing import Literal

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from bench.pages import PHONE, measure_page
from tests.support.screen_styles import ACCOUNT_PAGES
from tests.support.screens import DESKTOP, Site, log_in

pytestmark = pytest.mark.slow
TABLET: ViewportSize = {"width": 700, "height": 800}  # one column, with the address in the header
LINKS = ("/reset", "/verify-email", "/reject", "/undo-email-change", "/restore", "/disown")


@pytest.mark.parametrize(
    "size", [PHONE, pytest.param(DESKTOP, marks=pytest.mark.nightly)], ids=["phone", "desktop"]
)
def test_pages_of_mailed_links_have_no_layout_shift(browser: Browser, site: Site, size: ViewportSize) -> None:
    link = site.link(site.registered(), "/verify-email").removeprefix(site.url)
    context = browser.new_context(viewport=size)
    shifts = {path: measure_page(context, site.url, path).shift for path in (*LINKS, link)}
    context.close()
    assert set(shifts.values()) == {0}, shifts


@pytest.mark.parametrize(
    "size", [pytest.param(PHONE, marks=pytest.mark.nightly), TABLET], ids=["phone", "tablet"]
)
def test_account_pages_have_no_layout_shift(browser: Browser, site: Site, size: ViewportSize) -> None:
    context = browser.new_context(viewport=size, base_url=site.url)
    page = context.new_page()
    log_in(page, site.registered(confirmed=True))
    page.close()  # in a new tab, the address of the header is not known at once
    shifts = {path: measure_page(context, site.url, path).shift for path in ACCOUNT_PAGES}
    context.close()
    assert max(shifts.values()) < 0.001, shifts  # a line of text, by a fraction of a pixel


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_form_of_a_link_is_shown_although_the_api_is_silent(
    browser: Browser, site: Site, motion: Literal["no-preference", "reduce"]
) -> None:
    context = browser.new_context(base_url=site.url, reduced_motion=motion)
    page = context.new_page()
    page.route("**/auth/password/reset/check", lambda _: None)  # never answered
    page.goto("/reset#token=x")
    expect(page.get_by_label("New Password", exact=True)).to_be_hidden()
    expect(page.get_by_label("New Password", exact=True)).to_be_visible()
    expect(page.locator(".foot")).to_be_visible()
    context.close()


@pytest.mark.parametrize("locale", ["en", "de"])
def test_footer_of_a_phone_has_two_rows_with_the_switches_above(
    browser: Browser, site: Site, locale: str
) -> None:
    context = browser.new_context(viewport=PHONE, base_url=site.url, locale=locale)
    page = context.new_page()
    page.goto("/login")
    tops = page.locator(".foot > *").evaluate_all(
        "(all) => all.map((each) => [each.className, each.offsetTop + each.offsetHeight / 2])"
    )
    rows = sorted({round(middle) for _, middle in tops})
    assert len(rows) == 2, tops
    assert [name for name, middle in tops if round(middle) == rows[1]] == ["foot__links"]
    contrast = page.locator("#contrast")
    expect(contrast).to_have_accessible_name({"en": "High contrast", "de": "Hoher Kontrast"}[locale])
    before = contrast.evaluate("(node) => getComputedStyle(node).backgroundColor")
    contrast.click()
    assert contrast.evaluate("(node) => getComputedStyle(node).backgroundColor") != before
    context.close()

"""Contrasts that axe does not measure, in the high-contrast scheme."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.support.contrast import ratio
from tests.support.screen_styles import choose_contrast, reset_errors
from tests.support.screens import Site

WHITE = "rgb(255, 255, 255)"
DARKEST_BLUE = "rgb(26, 54, 93)"


def placeholder(page: Page) -> str:
    found: str = page.locator("#email").evaluate("(node) => getComputedStyle(node, '::placeholder').color")
    return found


@pytest.fixture
def contrasting(browser: Browser, site: Site, screen: Page) -> Page:
    """Return the page of `screen` in the high-contrast scheme."""
    choose_contrast(screen.context, site.url, "more")
    return screen


def colour(node: Locator, name: str) -> str:
    found: str = node.evaluate("(node, name) => getComputedStyle(node)[name]", name)
    return found


@pytest.mark.slow
def test_20_placeholder_contrast_in_high_contrast(contrasting: Page) -> None:
    contrasting.goto("/login")
    background = colour(contrasting.locator("#email"), "backgroundColor")
    assert ratio(placeholder(contrasting), background) >= 4.5
    assert round(ratio(placeholder(contrasting), background), 2) == 7.53


@pytest.mark.slow
def test_21_border_contrast_in_high_contrast(contrasting: Page) -> None:
    contrasting.goto("/login")
    for name in ("#email", "#current-password", "#remember"):
        assert ratio(colour(contrasting.locator(name), "borderTopColor"), WHITE) >= 3.0, name
    contrasting.locator("#email").focus()
    expect(contrasting.locator("#email")).to_have_css("border-top-color", DARKEST_BLUE)
    reset_errors(contrasting)
    error = contrasting.locator("[aria-invalid=true]").first
    expect(error).to_have_css("border-top-color", "rgb(155, 44, 44)")
    expect(error).to_have_css("outline-color", DARKEST_BLUE)


@pytest.mark.slow
def test_22_role_contrasts_in_high_contrast(contrasting: Page) -> None:
    """The table of roles: text has the documented contrast."""
    contrasting.goto("/login")
    promised: list[tuple[Any, float]] = [
        (contrasting.locator(".field > label").first, 16.32),
        (contrasting.get_by_text("Don't have an account?"), 11.99),
        (contrasting.get_by_role("link", name="Forgot Password?"), 7.97),
        (contrasting.locator(".icon--eye"), 11.99),
    ]
    for node, least in promised:
        assert round(ratio(colour(node, "color"), WHITE), 2) == least
    button = contrasting.get_by_role("button", name="Log In")
    assert round(ratio(WHITE, colour(button, "backgroundColor")), 2) == 7.97
    link = contrasting.get_by_role("link", name="Forgot Password?")
    expect(link).to_have_css("text-decoration-line", "underline")


@pytest.mark.slow
def test_23_system_contrast_preference_gives_the_same_scheme(browser: Browser, site: Site) -> None:
    """Both blocks of the stylesheet define the same roles."""
    roles = "() => Object.fromEntries([...document.styleSheets[0].cssRules].filter((r) => r.selectorText === "
    roles += "':root').flatMap((r) => [...r.style]).filter((n) => n.startsWith('--')).map((n) => "
    roles += "[n, getComputedStyle(document.documentElement).getPropertyValue(n)]))"
    found = []
    for chosen, system in ((None, "more"), ("more", "no-preference"), ("seed", "more"), (None, None)):
        context = browser.new_context(base_url=site.url, contrast=system)  # type: ignore[arg-type]
        if chosen:
            choose_contrast(context, site.url, chosen)
        page = context.new_page()
        page.goto("/login")
        found.append(page.evaluate(roles))
        context.close()
    assert len(found[0]) > 40
    assert found[0] == found[1] != found[2] == found[3]

"""What holds in every state of the pages: headings, labels, descriptions, sizes, overflow, and axe.

The tests of a state share one page in it, and leave the page as they found it. One state or two of each
page are checked with `make check`, all others with `make nightly`.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.screen_styles import STATES
from tests.support.screens import DESKTOP, Site, faults, opened

pytestmark = pytest.mark.slow
WITH_FIELDS = {
    *("login", "signup", "forgot", "reset", "verify-password", "verify-again"),
    *("account", "account-security"),
}
FLAWS = {"login-errors", "signup-errors", "forgot-errors", "reset-errors"}
FLAWS |= {"account-security-errors", "account-errors", "account-dialog-errors"}
FLAWS |= {"two-factor-errors", "account-two-factor-set-up-errors", "account-two-factor-codes-errors"}
FLAWS |= {"account-two-factor-rename-errors", "account-tokens-new-errors", "account-tokens-made-errors"}
ALL_RULES = {"rules": {"target-size": {"enabled": True}}}
# The primary button's label, and links: the two colour pairs that the design prescribes.
AGREED = re.compile(
    r'color-contrast<(span class="btn__label"|a class="(btn btn--primary|link)\b|button [^>]*"link")'
)
WIDTHS = (320, 360, 768, 1280)
INSIDE = "main :visible:not(.sections__list *)"  # that row scrolls by itself


# Of each page the state or the two states that show the most of it.
IN_CHECK = {
    *("login-errors", "two-factor", "signup-errors", "signup-sent"),
    *("forgot", "reset-errors", "verify-password", "reject", "terms", "not-found"),
    *("account-errors", "account-security-errors", "account-security-passkeys"),
    *("account-two-factor-set-up-errors", "account-devices"),
    *("account-activity", "account-dialog-errors", "account-apps-details", "account-tokens"),
    *("account-tokens-new-errors", "account-tokens-made", "authorize", "oauth-error"),
    *("logout", "logout-done-apps"),
}
CHECKED = [
    state if state in IN_CHECK else pytest.param(state, marks=pytest.mark.nightly)
    for state in (*IN_CHECK - STATES.keys(), *STATES)  # a state that is gone fails
]


class Shown(NamedTuple):
    state: str
    page: Page


@pytest.fixture(scope="module")
def profile(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    """Yield a browser profile without our content security policy, which forbids injecting axe."""
    context = browser.new_context(
        viewport=DESKTOP, base_url=site.url, bypass_csp=True, reduced_motion="reduce"
    )
    yield context
    context.close()


@pytest.fixture(scope="module", params=CHECKED)
def shown(request: pytest.FixtureRequest, profile: BrowserContext) -> Iterator[Shown]:
    """Yield a new page in a state. The profile keeps cookies from no other state."""
    complaints: list[str] = []
    profile.clear_cookies()
    page = opened(profile, complaints)
    STATES[request.param](page)
    yield Shown(request.param, page)
    page.close()
    assert not faults(complaints), faults(complaints)


def test_25_one_main_one_heading_and_a_title(shown: Shown) -> None:
    expect(shown.page.locator("main")).to_have_count(1)
    expect(shown.page.locator("h1")).to_have_count(1)
    expect(shown.page.locator("html")).to_have_attribute("lang", "en")
    title = f"{shown.page.locator('h1').inner_text()} \N{EN DASH} AxiomTech"
    faulty = shown.state in FLAWS | {"login-refused"}
    expect(shown.page).to_have_title(f"Error: {title}" if faulty else title)


def violations(page: Page, options: dict[str, Any]) -> list[tuple[str, str]]:
    """Return axe's violations as (rule, element)."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    run = "async (options) => (await axe.run(document, options)).violations"
    found: list[dict[str, Any]] = page.evaluate(run, {"resultTypes": ["violations"]} | options)
    return [(fault["id"], node["html"]) for fault in found for node in fault["nodes"]]


def test_26_axe_finds_only_the_agreed_contrasts(shown: Shown) -> None:
    found = violations(shown.page, ALL_RULES)
    assert [fault for fault in found if not AGREED.match("".join(fault))] == []


@pytest.mark.nightly
@pytest.mark.parametrize(("scheme", "contrast"), [("light", "more"), ("dark", "seed"), ("dark", "more")])
def test_202_axe_finds_no_low_contrast_in_other_schemes(shown: Shown, scheme: str, contrast: str) -> None:
    """Only `color-contrast` depends on the scheme; the other rules are checked above."""
    root = shown.page.locator("html")
    root.evaluate(
        "(root, choices) => Object.assign(root.dataset, choices)", {"scheme": scheme, "contrast": contrast}
    )
    try:
        assert violations(shown.page, {"runOnly": ["color-contrast"]}) == []
    finally:
        root.evaluate("(root) => { root.dataset.scheme = 'light'; delete root.dataset.contrast }")


def test_27_every_input_has_a_visible_label(shown: Shown) -> None:
    inputs = shown.page.locator("main input:not([type=hidden]):not([aria-hidden=true]):visible").all()
    assert inputs or shown.state not in WITH_FIELDS
    for field in inputs:
        label = shown.page.locator(f'label[for="{field.get_attribute("id")}"]')
        expect(label).to_have_count(1)
        expect(label).to_be_visible()
    if shown.state in WITH_FIELDS and shown.page.locator("#email").count():
        expect(shown.page.get_by_label("Email Address")).to_have_count(1)


def test_34_descriptions_exist_and_only_errors_are_invalid(shown: Shown) -> None:
    missing = shown.page.evaluate(
        "[...document.querySelectorAll('[aria-describedby]')].flatMap((node) => "
        "node.getAttribute('aria-describedby').split(' ')).filter((id) => !document.getElementById(id))"
    )
    assert missing == []
    invalid = shown.page.locator("[aria-invalid]")
    if shown.state not in FLAWS:
        expect(invalid).to_have_count(0)
        return
    for field in invalid.all():
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description(re.compile(r"\w{3}"))


TOO_SMALL = """
[...document.querySelectorAll("a[href], button, input:not([type=hidden])")]
  .filter((node) => node.checkVisibility() && !node.closest(".visually-hidden, label"))
  .filter((node) => node.parentNode.tagName !== "P" || node.parentNode.firstChild === node)
  .map((node) => [node.outerHTML.slice(0, 80), node.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24).map(([html]) => html)
"""


def test_35_targets_are_large_enough(shown: Shown) -> None:
    assert shown.page.evaluate(TOO_SMALL) == []
    for toggle in shown.page.locator(".pw__toggle:visible").all():
        size = toggle.bounding_box()
        assert size
        assert (size["width"], size["height"]) == (48, 48)


def test_95_nothing_overflows_horizontally(shown: Shown) -> None:
    try:
        for width in WIDTHS:
            shown.page.set_viewport_size({"width": width, "height": 800})
            assert shown.page.evaluate("document.documentElement.scrollWidth") <= width
            edges = shown.page.locator(INSIDE).evaluate_all(
                "(all) => all.map((node) => node.getBoundingClientRect()).filter((box) => box.width > 1)"
                ".map((box) => [box.left, box.right])"
            )
            assert all(left >= 0 and right <= width for left, right in edges)
    finally:
        shown.page.set_viewport_size(DESKTOP)

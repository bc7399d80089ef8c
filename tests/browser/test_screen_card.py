"""The card, its brand line, and the strength meter; the numbers are those of the design's checks."""

import pytest
from playwright.sync_api import FloatRect, Locator, Page, ViewportSize, expect

from tests.support.screen_steps import held, waits
from tests.support.screen_styles import OPEN_PAGES, STATES, answering
from tests.support.screens import DESKTOP, PHONE

TABLET: ViewportSize = {"width": 900, "height": 800}
GREY_600 = "rgb(74, 85, 104)"
STRONG = "violet-harbor-teapot-92"
# The height of the meter in the frame of the first key, before the server can have answered.
FIRST_KEY = """
(input) => {
  input.value = "v";
  input.dispatchEvent(new InputEvent("input", { bubbles: true }));
  return document.querySelector(".meter").getBoundingClientRect().height;
}
"""
# Layout shifts that no key press explains.
WATCH = """
window.__shift = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.__shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
"""


def box(node: Locator) -> FloatRect:
    found = node.bounding_box()
    assert found
    return found


def below(upper: Locator, lower: Locator) -> float:
    """Return the distance between the end of one node and the beginning of another."""
    return box(lower)["y"] - box(upper)["y"] - box(upper)["height"]


@pytest.mark.slow
@pytest.mark.parametrize("state", ["signup", "reset", "account-security"])
def test_213_strength_meter_takes_no_room_before_the_first_key(screen: Page, state: str) -> None:
    STATES[state](screen)
    expect(screen.locator(".meter")).to_be_hidden()
    for shape in (PHONE, TABLET, DESKTOP):
        screen.set_viewport_size(shape)
        label = screen.locator("label[for=confirm-password]")
        assert abs(below(screen.locator("#new-password"), label) - 20) <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    ("state", "shape"),
    [("signup", PHONE), ("signup", DESKTOP), ("reset", TABLET), ("account-security", DESKTOP)],
)
def test_214_strength_meter_opens_with_the_first_key_and_keeps_its_height(
    screen: Page, state: str, shape: ViewportSize
) -> None:
    screen.set_viewport_size(shape)
    STATES[state](screen)
    password, meter, word = (screen.locator(name) for name in ("#new-password", ".meter", ".meter__word"))
    at = box(password)
    assert password.evaluate(FIRST_KEY) == 44
    expect(word).to_have_text("Too short")
    expect(screen.locator(".meter__help")).to_have_text("7 more characters")
    assert box(password) == at  # only what is below it has moved
    assert below(password, meter) == 8
    confirm = box(screen.locator("#confirm-password"))

    def unmoved() -> bool:
        return box(meter)["height"] == 44 and box(screen.locator("#confirm-password")) == confirm

    steps = [("violet-", "Too short"), ("password", "Weak"), (STRONG, "Very strong"), ("", "")]
    for typed, expected in steps:
        password.fill(typed)
        expect(word).to_have_text(expected)
        assert unmoved(), typed
    expect(screen.locator(".meter__help")).to_have_text("Use 8 characters or more")
    answering(screen, "/auth/password/strength", {}, 429)
    password.fill(STRONG)
    expect(screen.locator(".meter__help")).to_have_text("Strength cannot be shown now")
    screen.locator("#confirm-password").focus()
    assert unmoved()


@pytest.mark.slow
@pytest.mark.parametrize("shape", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_215_a_late_strength_moves_nothing(screen: Page, shape: ViewportSize) -> None:
    screen.set_viewport_size(shape)
    screen.add_init_script(WATCH)
    screen.goto("/signup")
    screen.clock.install()
    with held(screen, "/auth/password/strength") as routes:
        screen.locator("#new-password").press_sequentially(STRONG)
        screen.clock.run_for(400)
        waits(screen, routes)
        screen.clock.run_for(2_000)
        routes[0].fulfill(json={"score": 4, "warning": "", "suggestions": [], "acceptable": True})
        expect(screen.locator(".meter__word")).to_have_text("Very strong")
    assert screen.evaluate("window.__shift") < 0.001


@pytest.mark.slow
def test_214_advice_of_two_lines_keeps_its_room(screen: Page) -> None:
    screen.set_viewport_size(PHONE)
    advice = "An advice of the server that has no short text, so that it takes two lines."
    answering(screen, "/auth/password/strength", {"score": 1, "warning": advice, "suggestions": []})
    screen.goto("/signup")
    password, meter = screen.locator("#new-password"), screen.locator(".meter")
    password.fill(STRONG)
    expect(meter).to_have_css("height", "64px")
    password.fill("")
    expect(screen.locator(".meter__help")).to_have_text("Use 8 characters or more")
    expect(meter).to_have_css("height", "64px")


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape", [PHONE, pytest.param(DESKTOP, marks=pytest.mark.nightly)], ids=["phone", "desktop"]
)
def test_216_brand_line_is_smaller_than_the_title(screen: Page, shape: ViewportSize) -> None:
    screen.set_viewport_size(shape)
    for path in OPEN_PAGES:
        screen.goto(path)
        brand = screen.locator("#card > .brand")
        expect(brand).to_have_css("font-size", "14px")
        expect(brand).to_have_css("font-weight", "500")
        expect(brand).to_have_css("color", GREY_600)
        expect(brand).to_have_attribute("href", "/")
        expect(brand).to_have_accessible_name("AxiomTech")
        mark = box(brand.locator("svg"))
        assert (box(brand)["height"], mark["height"], mark["width"]) == (24, 24, 24), path
        after = screen.locator("#card .figure:visible, #card h1:visible").first
        assert below(brand, after) == 20, path
        if after.evaluate("(node) => node.tagName") == "DIV":
            assert box(after)["height"] == 40
            assert below(after, screen.locator("#card h1:visible")) == 16, path


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "card", "inner"), [(PHONE, 328, 286), (TABLET, 440, 374), (DESKTOP, 440, 358)]
)
def test_216_card_has_the_widths_of_the_design(
    screen: Page, shape: ViewportSize, card: int, inner: int
) -> None:
    screen.set_viewport_size(shape)
    screen.goto("/login")
    assert box(screen.locator("#card"))["width"] == card
    assert box(screen.locator("#login-form"))["width"] == inner
    assert below(screen.locator("h1"), screen.locator("label[for=email]")) == 24
    assert below(screen.locator("#passkey"), screen.locator(".after")) == 24

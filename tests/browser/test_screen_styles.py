"""Computed colours, sizes and positions; the numbers are those of the design's checks."""

import pytest
from playwright.sync_api import FloatRect, Locator, Page, expect

from tests.support.screen_styles import OPEN_PAGES, STATES, login_refused
from tests.support.screens import DESKTOP, PHONE, style

BLUE, DARK_BLUE, DARKEST_BLUE, PALE_BLUE = (
    "rgb(49, 130, 206)",
    "rgb(44, 82, 130)",
    "rgb(26, 54, 93)",
    "rgb(144, 205, 244)",
)
WHITE = "rgb(255, 255, 255)"
GREY_50, GREY_100, GREY_200, GREY_300, GREY_400, GREY_500, GREY_600, GREY_700, GREY_800 = (
    "rgb(247, 250, 252)",
    "rgb(237, 242, 247)",
    "rgb(226, 232, 240)",
    "rgb(203, 213, 224)",
    "rgb(160, 174, 192)",
    "rgb(113, 128, 150)",
    "rgb(74, 85, 104)",
    "rgb(45, 55, 72)",
    "rgb(26, 32, 44)",
)
RED, ERROR_TEXT, SUCCESS_TEXT = "rgb(229, 62, 62)", "rgb(197, 48, 48)", "rgb(47, 133, 90)"


def expect_style(node: Locator, **expected: str) -> None:
    """Wait until the computed style matches; colours have short transitions."""
    for name, value in expected.items():
        expect(node).to_have_css(name.replace("_", "-"), value)


def border(node: Locator, width: str, colour: str) -> None:
    for side in ("top", "right", "bottom", "left"):
        expect_style(node, **{f"border_{side}_width": width, f"border_{side}_color": colour})


def box(node: Locator) -> FloatRect:
    found = node.bounding_box()
    assert found
    return found


def press_mouse(page: Page, node: Locator) -> None:
    """Hold the mouse button down on the element. Release it elsewhere, so that nothing is clicked."""
    node.hover()
    page.mouse.down()


def release_mouse(page: Page) -> None:
    page.mouse.move(1, 1)
    page.mouse.up()


def test_01_an_input_at_rest(screen: Page) -> None:
    screen.goto("/login")
    field = screen.locator("#email")
    border(field, "1px", GREY_200)
    expect_style(field, height="48px", border_radius="4px", padding="12px 16px", background_color=WHITE)
    expect_style(field, font_size="16px", font_weight="400", color=GREY_700)


@pytest.mark.slow
def test_02_an_input_in_focus(screen: Page) -> None:
    screen.goto("/login")
    screen.locator("#email").focus()
    border(screen.locator("#email"), "2px", BLUE)
    expect_style(screen.locator("#email"), outline_style="none")


@pytest.mark.slow
def test_03_focus_does_not_shift_layout(screen: Page) -> None:
    screen.goto("/login")
    fields = [screen.locator("#email"), screen.locator("#current-password")]
    before = [box(field) for field in fields]
    text_begins = "(node) => { const s = getComputedStyle(node);"
    text_begins += " return parseFloat(s.borderLeftWidth) + parseFloat(s.paddingLeft); }"
    rest = fields[0].evaluate(text_begins)
    for field in fields:
        field.focus()
        expect_style(field, border_top_width="2px")
        assert [box(each) for each in fields] == before
        assert field.evaluate(text_begins) == rest


@pytest.mark.slow
def test_04_the_placeholder(screen: Page) -> None:
    screen.goto("/login")
    expect(screen.locator("#email")).to_have_attribute("placeholder", "your.email@example.com")
    assert _placeholder(screen) == GREY_400


def _placeholder(page: Page) -> str:
    colour: str = page.locator("#email").evaluate("(node) => getComputedStyle(node, '::placeholder').color")
    return colour


@pytest.mark.slow
def test_05_an_input_in_error(screen: Page) -> None:
    STATES["login-errors"](screen)
    field = screen.locator("#email")
    expect(field).to_be_focused()
    border(field, "2px", RED)
    expect_style(field, outline_style="solid", outline_width="2px", outline_color=BLUE)
    screen.locator("#remember").focus()
    border(field, "2px", RED)
    expect_style(field, outline_style="none")


@pytest.mark.slow
def test_06_a_disabled_input(screen: Page) -> None:
    screen.goto("/login")
    for field in (screen.locator("#email"), screen.locator("#current-password")):
        field.evaluate("(node) => { node.disabled = true; }")
        expect_style(field, background_color=GREY_50, color=GREY_400, opacity="1")
        border(field, "1px", GREY_200)


def test_07_the_primary_button(screen: Page) -> None:
    screen.goto("/login")
    button = screen.get_by_role("button", name="Log In")
    expect_style(button, background_color=BLUE, color=WHITE, font_weight="600", font_size="16px")
    expect_style(button, border_radius="4px", height="48px", padding="0px 24px")
    assert style(screen, ".btn--primary", "fontFamily")["fontFamily"].startswith("Inter")
    assert box(button)["width"] == box(screen.locator("#login-form"))["width"]


@pytest.mark.slow
def test_08_the_primary_button_hovered_and_pressed(screen: Page) -> None:
    screen.goto("/login")
    button = screen.get_by_role("button", name="Log In")
    button.hover()
    expect_style(button, background_color=DARK_BLUE)
    press_mouse(screen, button)
    expect_style(button, background_color=DARKEST_BLUE)
    release_mouse(screen)


@pytest.mark.slow
def test_09_the_sign_up_button_before_accepting_terms(screen: Page) -> None:
    screen.goto("/signup")
    button = screen.get_by_role("button", name="Sign Up")
    expect_style(button, background_color=PALE_BLUE, color=WHITE)
    button.hover()
    expect_style(button, background_color=PALE_BLUE)
    screen.get_by_label("I agree to").check()
    expect_style(button, background_color=BLUE, color=WHITE)


@pytest.mark.slow
def test_10_the_secondary_button(screen: Page) -> None:
    screen.goto("/forgot")
    button = screen.get_by_role("link", name="Back to Login")
    expect_style(
        button, background_color=WHITE, color=GREY_700, font_weight="600", font_size="16px", height="48px"
    )
    expect_style(button, border_radius="4px", padding="0px 24px")
    border(button, "1px", GREY_300)
    button.hover()
    expect_style(button, background_color=GREY_50)
    border(button, "1px", GREY_400)
    press_mouse(screen, button)
    expect_style(button, background_color=GREY_100)
    border(button, "1px", GREY_500)
    release_mouse(screen)


@pytest.mark.slow
def test_11_the_tertiary_link(screen: Page) -> None:
    screen.goto("/login")
    link = screen.get_by_role("link", name="Forgot Password?")
    expect_style(link, color=BLUE, font_size="14px", font_weight="400", text_decoration_line="none")
    link.hover()
    expect_style(link, text_decoration_line="underline")
    press_mouse(screen, link)
    expect_style(link, color=DARK_BLUE)
    release_mouse(screen)


def test_12_headings(screen: Page) -> None:
    for path in OPEN_PAGES:
        screen.goto(path)
        heading = screen.locator("h1")
        for size, shape in (("28px", DESKTOP), ("24px", PHONE)):
            screen.set_viewport_size(shape)
            expect_style(heading, font_weight="700", color=GREY_800, font_size=size)
        assert style(screen, "h1", "fontFamily")["fontFamily"].startswith("Inter"), path


@pytest.mark.slow
@pytest.mark.parametrize("state", ["login", "signup", "forgot", "reset", "verify-password", "verify-again"])
def test_13_labels_of_fields(screen: Page, state: str) -> None:
    STATES[state](screen)
    labels = screen.locator(".field > label").all()
    assert labels
    for label in labels:
        expect_style(label, font_weight="500", font_size="16px", color=GREY_600)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "words"), [("/login", "Don't have an account?"), ("/signup", "Already have an account?")]
)
def test_14_the_sentence_below_the_form(screen: Page, path: str, words: str) -> None:
    screen.goto(path)
    expect_style(screen.get_by_text(words), font_size="14px", font_weight="400", color=GREY_600)


@pytest.mark.slow
def test_15_the_help_text_of_forgot_password(screen: Page) -> None:
    screen.goto("/forgot")
    expect_style(
        screen.get_by_text("We'll send you a link"), font_size="14px", font_weight="400", color=GREY_600
    )


@pytest.mark.slow
@pytest.mark.parametrize(("path", "name"), [("/login", "remember"), ("/signup", "terms")])
def test_16_the_checkbox(screen: Page, path: str, name: str) -> None:
    screen.goto(path)
    tick = screen.locator(f"#{name}")
    size = box(tick)
    assert size["width"] == size["height"] >= 24
    expect_style(tick, background_color=WHITE, background_image="none")
    border(tick, "2px", GREY_500)
    tick.check()
    expect_style(tick, background_color=BLUE)
    assert "svg" in str(tick.evaluate("(node) => getComputedStyle(node, '::before').maskImage"))


@pytest.mark.slow
def test_17_the_password_toggle_icon(screen: Page) -> None:
    screen.goto("/login")
    eye, field = box(screen.locator(".pw__toggle .icon--eye")), box(screen.locator("#current-password"))
    expect_style(screen.locator(".pw__toggle .icon--eye"), color=GREY_500)
    assert field["y"] <= eye["y"]
    assert eye["y"] + eye["height"] <= field["y"] + field["height"]
    right = field["x"] + field["width"] - eye["x"] - eye["width"]
    assert 0 <= right <= 16


@pytest.mark.slow
@pytest.mark.parametrize("state", ["login-errors", "signup-errors", "reset-errors"])
def test_18_errors_stand_below_their_fields(screen: Page, state: str) -> None:
    STATES[state](screen)
    faulty = screen.locator(".input[aria-invalid=true]").all()
    assert len(faulty) >= 2
    for field in faulty:
        error = screen.locator(f"#{field.get_attribute('id')}-error")
        expect_style(error, font_size="14px", color=ERROR_TEXT)
        expect_style(error.locator(".icon"), color=RED, width="20px")
        below = box(field)["y"] + box(field)["height"]
        assert 0 <= box(error)["y"] - below <= 12
        assert box(error)["x"] == box(field)["x"]


@pytest.mark.slow
def test_18_the_alert_stands_above_the_first_field(screen: Page) -> None:
    login_refused(screen)
    alert = screen.locator("#form-error .message")
    expect_style(alert, font_size="14px", color=ERROR_TEXT, background_color=WHITE)
    assert box(alert)["y"] + box(alert)["height"] <= box(screen.locator("#email"))["y"]


@pytest.mark.slow
def test_19_the_success_message(screen: Page) -> None:
    screen.goto("/reset/done")
    success = screen.locator(".message--success")
    expect_style(success, color=SUCCESS_TEXT, background_color=WHITE)
    expect_style(success.locator("p"), color=SUCCESS_TEXT)
    expect(success.locator(".icon--circle-check")).to_be_visible()


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/login", "/signup"])
def test_24_links_within_sentences_are_underlined(screen: Page, path: str) -> None:
    screen.goto(path)
    links = screen.locator("main p a, main label a").all()
    assert len(links) == {"/login": 1, "/signup": 3}[path]
    for link in links:
        expect_style(link, text_decoration_line="underline", color=BLUE, font_size="14px")

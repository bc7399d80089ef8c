"""The header and the menu of the account pages. The number in a test's name is that of the list of checks."""

from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests.support.account_screen_styles import EMAIL, account, signed_in
from tests.support.screen_styles import ACCOUNT_PAGES
from tests.support.screens import Site, log_in

pytestmark = pytest.mark.slow
MENU, SUMMARY = "#account-menu", "#account-menu summary"
# By the width of the window: widths of the menu, the gap and the text in the panel, edges of the content.
GRID = {1280: (208, 32, 654, 160, 1120), 900: (192, 24, 554, 32, 868), 360: (None, None, 286, 16, 344)}
TITLES = {360: 24, 639: 24, 640: 28, 768: 28, 900: 28, 1024: 28, 1280: 28}
# What has moved in the header since the page was loaded.
MOVED = """
() => new Promise((resolve) => {
  const found = [];
  const seen = new PerformanceObserver((list) => found.push(...list.getEntries()));
  seen.observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => setTimeout(() => resolve(
    found.flatMap((shift) => shift.sources).map(({ node }) => node.nodeType === 1 ? node : node.parentElement)
      .filter((node) => node.closest("header")).map((node) => node.className)
  )));
})
"""


def resize(page: Page, width: int) -> None:
    shape: ViewportSize = {"width": width, "height": 800}
    page.set_viewport_size(shape)


def fit(page: Page, width: int) -> None:
    """Give the page this width, without the room for a scroll bar."""
    resize(page, width)
    resize(page, 2 * width - round(page.evaluate("document.body.getBoundingClientRect().width")))


def edges(page: Page, selector: str) -> tuple[float, float]:
    """Return the left and the right edge of an element."""
    box: dict[str, Any] | None = page.locator(selector).bounding_box()  # type: ignore[assignment]
    assert box
    return box["x"], box["x"] + box["width"]


def test_205_and_206_header_menu_and_panel_share_a_grid(screen: Page) -> None:
    account("/account/devices", screen)
    expect(screen.locator("header .btn")).to_have_count(0)
    for width, (menu, between, text, left, right) in GRID.items():
        fit(screen, width)
        assert edges(screen, ".bar .brand")[0] == pytest.approx(left, abs=1)
        assert edges(screen, MENU)[1] == pytest.approx(right, abs=1)
        panel = edges(screen, ".panel")
        assert panel[1] == pytest.approx(right, abs=1)
        scrolled = screen.locator("#sections").evaluate("(row) => row.scrollLeft")
        first = edges(screen, ".sections li:first-child > *")[0] + scrolled
        assert first == pytest.approx(left, abs=1)
        assert edges(screen, "#list")[1] - edges(screen, "#list")[0] == pytest.approx(text, abs=1)
        if menu and between:
            assert edges(screen, ".sections")[1] - left == pytest.approx(menu, abs=1)
            assert panel[0] - edges(screen, ".sections")[1] == pytest.approx(between, abs=1)
        assert edges(screen, ".foot > :first-child")[0] == pytest.approx(panel[0], abs=1)
        expect(screen.locator("header")).to_have_css("height", "65px" if width >= 640 else "57px")
        button = screen.locator(".item .btn").first
        expect(button).to_have_css("height", "36px")


def test_207_header_names_the_account_on_every_page(screen: Page) -> None:
    signed_in(screen)
    for path in [*ACCOUNT_PAGES, "/account/apps"]:
        screen.goto(path)
        expect(screen.locator(SUMMARY)).to_have_accessible_name(f"Account menu, {EMAIL}")
        expect(screen.locator(".who__address")).to_have_text(EMAIL)
        assert screen.evaluate(MOVED) == [], path


def test_208_menu_closes_by_escape_by_leaving_and_by_a_click_outside(screen: Page) -> None:
    account("/account/devices", screen)
    menu, summary = screen.locator(MENU), screen.locator(SUMMARY)
    is_open = "(menu) => menu.open"
    summary.focus()
    screen.keyboard.press("Enter")
    assert menu.evaluate(is_open)
    expect(menu.locator(".who__email")).to_have_text(EMAIL)
    for name in ("Profile", "Devices", "Log Out"):
        screen.keyboard.press("Tab")
        expect(menu.locator(".who__row", has_text=name)).to_be_focused()
    screen.keyboard.press("Escape")
    assert not menu.evaluate(is_open)
    expect(summary).to_be_focused()
    screen.keyboard.press("Space")
    for _ in range(4):
        assert menu.evaluate(is_open)
        screen.keyboard.press("Tab")
    expect(screen.locator(".section").first).to_be_focused()
    assert not menu.evaluate(is_open)
    summary.click()
    assert menu.evaluate(is_open)
    screen.locator("h1").click()
    assert not menu.evaluate(is_open)


def test_menu_logs_out_and_forgets_the_account(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    screen.goto("/account/devices")
    screen.locator(SUMMARY).click()
    screen.locator(MENU).get_by_role("button", name="Log Out").click()
    screen.wait_for_url("**/login?reason=logged_out")
    assert screen.evaluate("sessionStorage.length") == 0


def test_209_and_210_titles_and_the_current_section(screen: Page) -> None:
    account("/account/activity", screen)
    for width, size in TITLES.items():
        resize(screen, width)
        expect(screen.locator("h1")).to_have_css("font-size", f"{size}px")
        current = screen.locator(".sections [aria-current]")
        expect(current).to_have_text("Activity")
        expect(current).to_have_css("text-decoration-line", "none")
        expect(current).to_have_css("border-block-end-width", "0px")
        expect(current).to_have_css("font-weight", "600")
        expect(current).to_have_css("background-color", "rgb(237, 242, 247)")


def test_211_sections_are_one_row_that_shows_the_current_one(screen: Page) -> None:
    signed_in(screen)
    for width in (320, 360):
        resize(screen, width)
        screen.goto("/account/activity")
        entries = screen.locator(".section:visible").all()
        assert len(entries) == 8
        assert len({entry.bounding_box()["y"] for entry in entries}) == 1  # type: ignore[index]
        left, right = edges(screen, "[aria-current]")
        assert left >= 16
        assert right <= width - 16
        assert screen.evaluate("[document.documentElement.scrollWidth, scrollX, scrollY]") == [width, 0, 0]
        expect(screen.locator("#sections")).to_have_attribute("data-more", "start end")
    screen.goto("/account/delete")
    expect(screen.locator("#sections")).to_have_attribute("data-more", "start")

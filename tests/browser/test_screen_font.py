"""Inter, the font of the screens: loaded from this service, and swapped in without a shift."""

from typing import Any

import pytest
from playwright.sync_api import Page, ViewportSize

from bench.pages import WATCH
from tests.support.screen_steps import held, waits
from tests.support.screens import DESKTOP, PHONE, Site

pytestmark = pytest.mark.slow
# The loaded files of Inter: whether each is that of Latin Extended.
USED = """
() => document.fonts.ready.then(() => [...document.fonts]
  .filter(({ family, status }) => family === "Inter" && status === "loaded")
  .map(({ unicodeRange }) => unicodeRange.includes("U+100-2BA")))
"""
WIDTH = """
(weight) => {
  const node = document.createElement("span");
  node.style.cssText = `position: absolute; white-space: nowrap; font: ${weight} 100px Inter`;
  node.textContent = "Email Address";
  document.body.append(node);
  const { width } = node.getBoundingClientRect();
  node.remove();
  return width;
}
"""
BOXES = """
() => [...document.querySelectorAll("body *")].map((node) => {
  const { top, height } = node.getBoundingClientRect();
  return [node.tagName, node.className, top, height];
})
"""


def platform_fonts(page: Page, selector: str) -> list[tuple[str, bool]]:
    """Return the fonts that draw this element: their names, and whether they come from the network."""
    session = page.context.new_cdp_session(page)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    node = session.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    fonts: list[dict[str, Any]] = session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    return [(font["familyName"], font["isCustomFont"]) for font in fonts]


def test_217_inter_is_loaded_from_this_service(screen: Page, site: Site) -> None:
    requests: list[str] = []
    screen.on("request", lambda request: requests.append(request.url))
    screen.goto("/login")
    assert screen.evaluate(USED) == [False]
    assert screen.evaluate("document.fonts.check('16px Inter')")
    for selector in ("h1", "label[for=email]", ".btn__label", ".after"):
        ((name, is_loaded),) = platform_fonts(screen, selector)
        assert name.startswith("Inter"), selector
        assert is_loaded, selector
    assert screen.evaluate(WIDTH, 400) < screen.evaluate(WIDTH, 500) < screen.evaluate(WIDTH, 700)
    assert all(url.startswith((site.url, "data:")) for url in requests)
    assert len([url for url in requests if url.endswith(".woff2")]) == 1
    # Other letters bring the second file.
    screen.locator("h1").evaluate("(node) => { node.textContent = 'P\u0159ihl\u00e1\u0161en\u00ed'; }")
    assert sorted(screen.evaluate(USED)) == [False, True]


@pytest.mark.parametrize("shape", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_215_the_swap_of_the_font_moves_nothing(screen: Page, shape: ViewportSize) -> None:
    screen.set_viewport_size(shape)
    screen.add_init_script(WATCH)
    with held(screen, "/fonts/inter-latin.woff2") as routes:
        screen.goto("/login", wait_until="commit")
        waits(screen, routes)
        screen.wait_for_selector("#passkey:visible")
        screen.wait_for_load_state("domcontentloaded")
        before = screen.evaluate(BOXES)
        routes[0].continue_()
        assert screen.evaluate(USED) == [False]
    assert screen.evaluate(BOXES) == before
    assert screen.evaluate("window.__shift") < 0.001  # links of the centred line, by a fraction of a pixel


def test_215_text_of_the_fallback_is_as_wide_as_inter(screen: Page) -> None:
    """Within two per cent, where the system has a font with Arial's metrics."""
    screen.goto("/login")
    screen.evaluate("document.fonts.ready")
    ratios = screen.evaluate("""
      [[400, "16px"], [600, "16px"], [700, "28px"]].map(([weight, size]) => {
        const paint = document.createElement("canvas").getContext("2d");
        const words = "Enter the email address you use to log in. We will send you a link.";
        return ["Inter", "'Inter Fallback'"].map((family) => {
          paint.font = `${weight} ${size} ${family}`;
          return paint.measureText(words).width;
        }).reduce((inter, other) => other / inter);
      })
    """)
    assert all(0.98 < ratio < 1.02 for ratio in ratios), ratios

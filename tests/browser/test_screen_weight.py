"""What the login page costs a browser; `make bench` prints it for every page."""

import pytest
from playwright.sync_api import Browser

from bench.pages import PHONE, WATCH, measure_page
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


# The page arrives in two parts, as on a slow network: the first one is painted, then the second one comes.
IN_TWO_PARTS = """
async ([path, cut]) => {
  const page = await (await fetch(path)).text();
  const painted = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  document.open();
  document.write(page.slice(0, page.indexOf(cut)));
  await new Promise((done) => { document.querySelector("link[rel=stylesheet]").onload = done; });
  await painted();
  document.write(page.slice(page.indexOf(cut)));
  document.close();
  await painted();
  return window.__shift;
}
"""


@pytest.mark.parametrize("cut", ['<div class="row">', "<footer", "</footer"])
def test_page_that_arrives_in_parts_has_no_layout_shift(browser: Browser, site: Site, cut: str) -> None:
    context = browser.new_context(viewport=PHONE, base_url=site.url, bypass_csp=True)  # which forbids `write`
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto("/terms")
    assert page.evaluate(IN_TWO_PARTS, ["/login", cut]) == 0
    assert page.locator("#passkey").is_visible()
    context.close()

"""The proof of work of the screens: made in a worker, under the same Content Security Policy."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from pages.assets import asset
from tests.support.screens import DESKTOP, Site, opened, running
from tests.support.service import PASSWORD

CEILINGS = {"RATE_LIMIT_ENABLED": "true", "REGISTRATION_CEILING": "1", "UNPROVEN_MAIL_CEILING": "1"}


@pytest.fixture(scope="module")
def busy_site(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Yield a service whose ceilings are reached, with a proof of work."""
    with running(sqlite_template, tmp_path_factory.mktemp("busy"), PROOF_OF_WORK="true", **CEILINGS) as site:
        site.registered()
        yield site


@pytest.fixture
def page(browser: Browser, busy_site: Site, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, base_url=busy_site.url)
    yield opened(context, complaints)
    context.close()


def test_sign_up_and_resend_beyond_a_ceiling_make_a_proof_of_work(page: Page) -> None:
    page.goto("/signup")
    page.get_by_label("Email").fill("grace@example.com")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.get_by_role("checkbox").check()
    with page.expect_response("**/auth/register") as first:
        page.get_by_role("button", name="Sign Up").click()
    assert (first.value.status, first.value.json()["code"]) == (429, "challenge_required")
    page.wait_for_url("**/signup/sent")
    page.get_by_role("button", name="Resend Email").click()
    expect(page.locator("#resend-done")).to_be_visible()


NO_WORKERS = "globalThis.Worker = function () { throw new Error('no workers'); };"
SOLVE_AFTER_ABORT = """
async (url) => {
  const { solve } = await import(url);
  const late = new Promise((resolve) => setTimeout(() => resolve("late"), 5000));
  return Promise.race([solve({ token: "t", puzzles: 1, bits: 60 }, AbortSignal.abort()), late]);
}
"""


def test_browser_without_workers_shows_the_refusal(page: Page) -> None:
    page.add_init_script(NO_WORKERS)
    page.goto("/signup")
    page.get_by_label("Email").fill("joan@example.com")
    for field in page.locator("input[type=password]").all():
        field.fill(PASSWORD)
    page.get_by_role("checkbox").check()
    page.get_by_role("button", name="Sign Up").click()
    expect(page.get_by_role("alert")).to_contain_text("Try again")


def test_proof_of_work_that_is_aborted_before_its_begin_is_not_made(page: Page) -> None:
    page.goto("/signup")
    assert page.evaluate(SOLVE_AFTER_ABORT, asset("lib/challenge.js")) is None

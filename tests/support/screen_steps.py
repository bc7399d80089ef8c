"""Steps shared by the screen tests: stubbed responses, recorded calls, and access to the modules."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request, Route, expect

from tests.support.screens import Site
from tests.support.server import DEADLINE
from tests.support.service import PASSWORD

ERROR_IN_LOGIN = "Error: Log In \N{EN DASH} AxiomTech"
NEW_PASSWORD = "marble-lantern-orchard-58"
LONG_AGO = "A sign-in younger than 10 minutes is needed."
# The module that the page itself has loaded: its instance, with its memory.
MODULE = """
(name) => import(document.querySelector("script[type=module]").src.replace(/[^/]+\\/[^/]+$/, "lib/" + name))
"""


# The element that has the focus, by the first of these that it has.
WHERE = """
() => {
  const node = document.activeElement;
  const href = node.getAttribute("href");
  return node.id || node.getAttribute("aria-label") || href || node.textContent.trim();
}
"""


def reach(page: Page, what: str) -> None:
    """Press Tab until the focus is on this element."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate(WHERE) == what:
            return
    raise AssertionError(f"{what} cannot be reached by keyboard on {page.url}")


def calls(page: Page, path: str) -> list[Request]:
    """Record the POSTs to this path from now on."""
    found: list[Request] = []

    def note(request: Request) -> None:
        if request.method == "POST" and urlsplit(request.url).path == path:
            found.append(request)

    page.on("request", note)
    return found


def answer(page: Page, path: str, status: int, body: Any = None, **headers: str) -> None:
    """Stub the responses to this path."""
    kept = {name.replace("_", "-"): value for name, value in headers.items()}

    def fulfil(route: Route) -> None:
        route.fulfill(status=status, json=body or {}, headers=kept)

    page.route(f"**{path}", fulfil)


def score(page: Page, steps: int = 4) -> None:
    """Stub the password meter with a constant score."""
    found = {"score": steps, "warning": "", "suggestions": [], "acceptable": True}
    answer(page, "/auth/password/strength", 200, found)


@contextmanager
def held(page: Page, path: str) -> Iterator[list[Route]]:
    """Hold calls to this path; abort those that were not released at the end."""
    routes: list[Route] = []

    def keep(route: Route) -> None:
        routes.append(route)

    page.route(f"**{path}", keep)
    yield routes
    page.unroute(f"**{path}")


def waits(page: Page, found: Sequence[Any], number: int = 1) -> None:
    """Wait until this many calls have arrived; only this processes the browser's events."""
    deadline = time.monotonic() + DEADLINE
    while len(found) < number:
        assert time.monotonic() < deadline, f"{len(found)} calls of {number}"
        page.wait_for_timeout(10)


def heading(page: Page, words: str) -> None:
    """Expect this page heading."""
    expect(page.get_by_role("heading", level=1)).to_have_text(words)


def reset_link(site: Site, address: str) -> str:
    """Return the reset link mailed to this address."""
    assert site.server.call("POST", "/auth/password/forgot", {"email": address})[0] == 202
    return site.link(address, "/reset")


def stub_account_page(page: Page) -> None:
    """Stub the account page with an empty one; the login is complete when the browser goes there."""
    shell = '<!doctype html><title>Account</title><link rel="icon" href="data:,"><h1>Account</h1>'
    page.context.route(
        lambda url: urlsplit(url).path.startswith("/account"),
        lambda route: route.fulfill(status=200, content_type="text/html", body=shell),
    )


def fill_login(page: Page, address: str, password: str = PASSWORD) -> None:
    page.get_by_label("Email Address").fill(address)
    page.get_by_label("Password", exact=True).fill(password)


def fill_signup(page: Page, address: str, password: str = PASSWORD, *, terms: bool = True) -> None:
    fill_login(page, address, password)
    page.get_by_label("Confirm Password").fill(password)
    if terms:
        page.get_by_label("I agree to").check()


def submit(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()


def alerted(page: Page, words: str) -> None:
    """Expect this form-level alert."""
    expect(page.get_by_role("alert")).to_have_text(words)


def restored(page: Page) -> None:
    """Dispatch the event of a page restored from the back/forward cache."""
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', {persisted: true}))")


def in_module(page: Page, name: str, work: str, argument: Any = None) -> Any:
    """Run `work`, a function of the module's exports and an argument."""
    script = f"async (argument) => ({work})(await ({MODULE})({json.dumps(name)}), argument)"
    return page.evaluate(script, argument)


def stale(page: Page, path: str) -> list[str]:
    """Make the next call to this path fail with `reauth_required`; later calls go through."""
    asked: list[str] = []

    def once(route: Route) -> None:
        asked.append(route.request.method)
        if len(asked) == 1:
            refusal = {"code": "reauth_required", "message": LONG_AGO}
            route.fulfill(status=403, json=refusal)
        else:
            route.continue_()

    page.route(lambda url: urlsplit(url).path.startswith(path), once)
    return asked

"""Requests of apps from the first address to the answer. Numbers are those of the list of checks."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.app_screens import SETTLED, allow, app_at, arrived, client_in
from tests.support.authorization_requests import authorization_query, parameters_of
from tests.support.screen_steps import calls, fill_signup, heading, submit, waits
from tests.support.screens import Site, log_in
from tests.support.scripted_server import ScriptedServer
from tests.support.service import PASSWORD

# By the second click of a double-click whose first one was on an element of the page before.
CLICKS_ALLOW_AT_ONCE = """
  new MutationObserver(() => {
    const button = document.getElementById("allow");
    if (!button || "clicked" in document.documentElement.dataset) return;
    document.documentElement.dataset.clicked = "";
    button.click();
  }).observe(document, { childList: true, subtree: true });
"""


@pytest.fixture
def program() -> Iterator[ScriptedServer]:
    """Yield a program on this computer that waits for the answer."""
    body = b'<!doctype html><title>Tool</title><link rel="icon" href="data:,"><h1>Tool</h1>'
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
    server = ScriptedServer(lambda _request: head.encode() + body)
    yield server
    server.close()


def test_219_allow_is_not_taken_by_a_double_click(screen: Page, site: Site) -> None:
    query = client_in(site, "app219", "https://app219.example.com/cb")
    found = app_at(screen, "app219.example.com")
    log_in(screen, site.registered())
    decisions = calls(screen, "/auth/authorizations/decision")
    screen.add_init_script(CLICKS_ALLOW_AT_ONCE)
    screen.goto(f"/oauth/authorize?{query}")
    expect(screen.locator("html[data-clicked]")).to_be_attached()
    screen.wait_for_timeout(SETTLED)
    assert decisions == []
    submit(screen, "Allow")
    told = arrived(screen, found)
    assert told.keys() == {"code", "state", "iss"}
    assert (told["state"], told["iss"], len(decisions)) == ("s t&te", site.url, 1)


def test_219_cancel_goes_back_with_access_denied(screen: Page, site: Site) -> None:
    query = client_in(site, "app2190", "https://app2190.example.com/cb")
    found = app_at(screen, "app2190.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    submit(screen, "Cancel")
    told = arrived(screen, found)
    assert (told["error"], told["state"]) == ("access_denied", "s t&te")


def test_221_known_web_app_is_asked_about_once_and_a_program_each_time(
    screen: Page, site: Site, program: ScriptedServer
) -> None:
    web = client_in(site, "app221", "https://app221.example.com/cb")
    found = app_at(screen, "app221.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{web}")
    allow(screen)
    assert "code" in arrived(screen, found)
    screen.goto(f"/oauth/authorize?{web}", wait_until="commit")
    waits(screen, found, 2)
    screen.wait_for_url("https://app221.example.com/**")
    address = f"http://127.0.0.1:{program.port}/cb"
    native = client_in(site, "tool221", address, kind="native", trusted=True)
    for number in (1, 2):
        screen.goto(f"/oauth/authorize?{native}")
        allow(screen)
        screen.wait_for_url("http://127.0.0.1:*/**")
        assert len(program.requests) == number


def requested(page: Page) -> list[str]:
    """Record the navigations that the page asks for, also to schemes that no request is made to."""
    found: list[str] = []
    session = page.context.new_cdp_session(page)
    session.send("Page.enable")
    session.on("Page.frameRequestedNavigation", lambda event: found.append(event["url"]))
    return found


def test_fault_48_consent_reaches_an_app_with_a_private_scheme(screen: Page, site: Site) -> None:
    query = client_in(site, "app48", "com.example.app48:/cb", kind="native")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    found = requested(screen)
    allow(screen)
    waits(screen, found)
    assert found[0].startswith("com.example.app48:/cb?code=")
    heading(screen, "Sending you to App48")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_fault_48_consent_reaches_a_program_on_a_loopback_port(
    screen: Page, site: Site, program: ScriptedServer, host: str
) -> None:
    query = client_in(site, "tool48", f"http://{host}/cb", kind="native")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query.replace('%2Fcb', f'%3A{program.port}%2Fcb')}")
    allow(screen)
    screen.wait_for_url(f"http://{host}:{program.port}/cb?code=*")
    assert [request.split(b"=")[0] for request in program.requests] == [b"GET /cb?code"]


def test_fault_48_consent_reaches_https(screen: Page, site: Site) -> None:
    query = client_in(site, "app480", "https://app480.example.com/cb?tenant=1")
    found = app_at(screen, "app480.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    allow(screen)
    assert arrived(screen, found).keys() == {"tenant", "code", "state", "iss"}


def log_in_here(page: Page, address: str) -> None:
    page.get_by_label("Email Address").fill(address)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(page, "Log In")


def prove_password(page: Page, _address: str) -> None:
    heading(page, "Confirm It's You")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    submit(page, "Continue")


def go_on(page: Page, address: str) -> None:
    submit(page, f"Continue as {address}")


def allow_it(page: Page, _address: str) -> None:
    allow(page)


def sign_up(page: Page, _address: str) -> None:
    page.wait_for_url("**/signup?next=*")
    page.get_by_label("Email Address").fill("new-of-app@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Confirm Password").fill(PASSWORD)
    page.get_by_label("I agree to").check()
    submit(page, "Sign Up")
    page.get_by_role("link", name="Back to Login").click()
    log_in_here(page, "new-of-app@example.com")


Steps = tuple[Callable[[Page, str], None], ...]

QUESTIONS: list[tuple[dict[str, str], Steps, Steps]] = [
    ({}, (), (log_in_here,)),
    ({"prompt": "login"}, (prove_password,), (log_in_here,)),
    ({"max_age": "0"}, (prove_password,), (log_in_here,)),
    ({"max_age": "3600"}, (), (log_in_here,)),
    ({"prompt": "select_account"}, (go_on,), (log_in_here,)),
    ({"prompt": "create"}, (go_on,), (sign_up,)),
    ({"prompt": "consent"}, (allow_it,), (log_in_here, allow_it)),
    ({"prompt": "select_account login"}, (go_on, prove_password), (log_in_here,)),
]


def questions() -> Iterator[Any]:
    """Yield each with a login and without one. `prompt=login` stands for what a login answers as well."""
    for changes, logged_in, logged_out in QUESTIONS:
        asks_for_password = changes in ({"max_age": "0"}, {"prompt": "select_account login"})
        yield pytest.param(changes, logged_in, True, marks=[pytest.mark.nightly] if asks_for_password else [])
        is_repeated = "max_age" in changes or "select_account" in changes.get("prompt", "")
        yield pytest.param(changes, logged_out, False, marks=[pytest.mark.nightly] if is_repeated else [])


@pytest.mark.parametrize(("changes", "steps", "is_logged_in"), [*questions()])
def test_each_prompt_asks_exactly_one_question(
    screen: Page, site: Site, changes: dict[str, str], steps: Steps, is_logged_in: bool
) -> None:
    """The app is trusted. A second question would keep the browser from the app."""
    client_in(site, "app1", "https://app1.example.com/cb", trusted=True)
    found, address = app_at(screen, "app1.example.com"), site.registered()
    if is_logged_in:
        log_in(screen, address)
    query = authorization_query(client_id="app1", redirect_uri="https://app1.example.com/cb", **changes)
    screen.goto(f"/oauth/authorize?{query}", wait_until="commit")
    for step in steps:
        assert found == []
        step(screen, address)
    assert "code" in arrived(screen, found)
    screen.goto("/terms")
    kept = screen.evaluate("Object.keys(sessionStorage).filter((key) => key.startsWith('auth.authorize'))")
    assert kept == []


def test_prompt_none_shows_no_page(screen: Page, site: Site) -> None:
    client_in(site, "app2", "https://app2.example.com/cb")
    found = app_at(screen, "app2.example.com")
    silent = authorization_query(
        client_id="app2", redirect_uri="https://app2.example.com/cb", prompt="none", state="1"
    )
    screen.goto(f"/oauth/authorize?{silent}", wait_until="commit")
    assert arrived(screen, found)["error"] == "login_required"
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{silent}", wait_until="commit")
    waits(screen, found, 2)
    assert parameters_of(found[1])["error"] == "consent_required"


@pytest.mark.slow
def test_request_of_any_length_goes_on_after_a_sign_up_that_is_confirmed_in_another_tab(
    screen: Page, site: Site
) -> None:
    client_in(site, "app7", "https://app7.example.com/cb", trusted=True)
    found, new = app_at(screen, "app7.example.com"), "long-request@example.com"
    query = authorization_query(
        client_id="app7", redirect_uri="https://app7.example.com/cb", state="s/" * 1024, nonce="n/" * 256
    )
    screen.goto(f"/oauth/authorize?{query}", wait_until="commit")
    screen.get_by_role("link", name="Sign Up").click()
    screen.wait_for_url("**/signup?next=*")
    fill_signup(screen, new)
    submit(screen, "Sign Up")
    heading(screen, "Check Your Email")
    confirming = screen.context.new_page()
    confirming.goto(site.link(new, "/verify-email"))
    submit(confirming, "Confirm Email")
    confirming.get_by_role("link", name="Continue").click()
    assert arrived(confirming, found)["state"] == "s/" * 1024
    confirming.goto("/terms")
    assert confirming.evaluate("localStorage.length") == 0


def test_another_account_logs_in_and_decides(screen: Page, site: Site) -> None:
    query = client_in(site, "app3", "https://app3.example.com/cb")
    found = app_at(screen, "app3.example.com")
    first, second = site.registered(), site.registered()
    log_in(screen, first)
    screen.goto(f"/oauth/authorize?{query}")
    expect(screen.locator("#who")).to_have_text(f"Logged in as {first}")
    screen.get_by_role("link", name="Not you?").click()
    heading(screen, "Log Out?")
    screen.get_by_role("link", name="Stay Logged In").click()
    expect(screen.locator("#who")).to_have_text(f"Logged in as {first}")
    screen.get_by_role("link", name="Not you?").click()
    submit(screen, "Log Out")
    screen.get_by_role("link", name="Log In").click()
    expect(screen.get_by_role("button", name="Log In")).to_be_visible()
    log_in_here(screen, second)
    expect(screen.locator("#who")).to_have_text(f"Logged in as {second}")
    allow(screen)
    assert "code" in arrived(screen, found)


def test_person_without_the_permission_goes_back(screen: Page, site: Site) -> None:
    query = client_in(site, "app4", "https://app4.example.com/cb", required_permission="reports:read")
    found = app_at(screen, "app4.example.com")
    log_in(screen, site.registered())
    screen.goto(f"/oauth/authorize?{query}")
    heading(screen, "You Cannot Use App4")
    expect(screen.locator("#denied-text")).to_contain_text("Ask the person who runs AxiomTech.")
    submit(screen, "Back to App4")
    assert arrived(screen, found)["error"] == "access_denied"


def test_login_hint_fills_the_login(screen: Page, site: Site) -> None:
    client_in(site, "app6", "https://app6.example.com/cb")
    query = authorization_query(
        client_id="app6", redirect_uri="https://app6.example.com/cb", login_hint="ada@example.com"
    )
    screen.goto(f"/oauth/authorize?{query}")
    expect(screen.get_by_label("Email Address")).to_have_value("ada@example.com")
    screen.goto("/login")
    expect(screen.get_by_label("Email Address")).to_have_value("")

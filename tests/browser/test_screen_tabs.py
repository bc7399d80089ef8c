"""Redirects after login, and one session in several tabs."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Page, Route, expect

from pages.safety import safe_next
from tests.support import return_addresses
from tests.support.screen_steps import (
    answer,
    calls,
    fill_login,
    held,
    in_module,
    stub_account_page,
    submit,
    waits,
)
from tests.support.screens import Site, log_in, opened

GOOD = [
    "/",
    "/account",
    "/account/devices",
    "/account?tab=security#s",
    "/account?back=//evil.example",
    "/account#//evil.example",
    "/loginx",
    "/authors",
    "/a.b/c..d",
    "/account?x=%2F%2Fevil",
    "/%C3%A4",
    "/ä",
    "/terms",
    "/account/delete?really=1&no=2",
]
HOSTILE = [
    "",
    "account",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "/\n/evil.example",
    "https://evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "/..//evil.example",
    "/.//evil.example",
    "/foo/..//evil.example",
    "/%2e%2e//evil.example",
    "/.%2E//evil.example",
    "/foo//evil.example",
    " /account",
    "/account ",
    "/a\x7fb",
    "/a\x00b",
    "\t//evil.example",
    "/login",
    "/LOGIN",
    "/login?next=/login",
    "/signup#x",
    "/logout",
    "/forgot/sent",
    "/reset",
    "/verify-email",
    "/auth/login",
    "/x/../login",
    "/./login",
    "/" + "a" * 2048,
    "?next=/account",
    "#x",
    "@evil.example",
    "/\\/evil.example",
    "//localhost:1@evil.example",
    "/account/%2e%2e/login",
    "/foo\\..\\bar",
    "/%61uth/me",
    "/%72eset",
    "/reject",
    "/disown#token=x",
    "/restore",
    "/undo-email-change/",
    "/account%zz",
    "/account%ff",
]
ME = "(api) => api.callSignedIn('GET', '/auth/me')"


def test_browser_parses_next_as_the_server_does(screen: Page, site: Site) -> None:
    """What the server accepts leads to this origin or to a return origin, in the browser's own words."""
    screen.goto("/terms")
    every = [*GOOD, *HOSTILE, *return_addresses.GOOD, *return_addresses.HOSTILE]
    accepted = [safe_next(raw, return_addresses.ORIGINS) for raw in every]
    origins = "(all) => all.map((path) => new URL(path, location.href).origin)"
    assert {*screen.evaluate(origins, accepted)} == {site.url, *return_addresses.ORIGINS}
    assert [safe_next(raw) for raw in GOOD] == GOOD
    assert {safe_next(raw) for raw in HOSTILE} == {"/account"}


def test_67_login_leads_to_next(screen: Page, site: Site) -> None:
    stub_account_page(screen)
    screen.goto("/login?next=/account?tab=security%23s")
    fill_login(screen, site.registered())
    submit(screen, "Log In")
    screen.wait_for_url(f"{site.url}/account?tab=security#s")


@pytest.mark.slow
def test_67_login_without_next_leads_to_the_account(screen: Page, site: Site) -> None:
    stub_account_page(screen)
    log_in(screen, site.registered())
    assert screen.url == f"{site.url}/account"


@pytest.mark.slow
def test_68_hostile_next_does_not_leave_the_site(screen: Page, site: Site) -> None:
    stub_account_page(screen)
    log_in(screen, site.registered())
    elsewhere: list[str] = []
    screen.on(
        "request",
        lambda request: elsewhere.append(request.url) if not request.url.startswith(site.url) else None,
    )
    # The whole list is checked above, without a page load for each.
    for raw in ("//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/login"):
        # Logged in already, so that the page leads on at once.
        screen.goto(f"/login?next={quote(raw)}")
        screen.wait_for_url(f"{site.url}/account")
    assert elsewhere == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "raw", ["//evil.example", "/..//evil.example", "/\\evil.example", "https://evil.example"]
)
def test_68_script_validates_the_next_field(screen: Page, site: Site, raw: str) -> None:
    stub_account_page(screen)
    screen.goto("/login")
    fill_login(screen, site.registered())
    screen.eval_on_selector("[name=next]", "(node, raw) => { node.value = raw; }", raw)
    submit(screen, "Log In")
    screen.wait_for_url(f"{site.url}/account")


@pytest.mark.slow
def test_69_login_page_redirects_a_logged_in_user(screen: Page, site: Site) -> None:
    stub_account_page(screen)
    log_in(screen, site.registered())
    pages = screen.evaluate("history.length")
    screen.goto("/login?next=/account/devices", wait_until="commit")
    screen.wait_for_url(f"{site.url}/account/devices")
    assert screen.evaluate("history.length") == pages + 1  # the form is not in the history


@pytest.mark.slow
def test_two_tabs_refresh_once(screen: Page, site: Site, complaints: list[str]) -> None:
    stub_account_page(screen)
    log_in(screen, site.registered())
    tabs = [screen, opened(screen.context, complaints)]
    routes: list[Route] = []

    def keep(route: Route) -> None:
        routes.append(route)

    screen.context.route("**/auth/refresh", keep)
    for tab in tabs:
        tab.goto("/terms")
        work = "window.__got = []; for (let i = 0; i < 2; i++) api.callSignedIn('GET', '/auth/me')"
        in_module(tab, "client.js", f"(api) => {{ {work}.then((got) => window.__got.push(got.status)); }}")
    waits(screen, routes)
    screen.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert len(routes) == 1  # the other tab waits, and this one asks once for both of its calls
    routes[0].continue_()
    for tab in tabs:
        tab.wait_for_function("() => window.__got.length === 2")
        assert tab.evaluate("window.__got") == [200, 200]
    assert len(routes) == 1  # the other tab has taken the token of the first
    assert len([c for c in screen.context.cookies() if c.get("name") == "__Host-refresh"]) == 1


@pytest.mark.slow
def test_logout_reaches_the_other_tabs(screen: Page, site: Site, complaints: list[str]) -> None:
    log_in(screen, site.registered())
    other = opened(screen.context, complaints)
    for tab in (screen, other):
        with tab.expect_response("**/auth/me"):
            tab.goto("/account")
    submit(screen, "Log Out")
    for tab in (screen, other):
        tab.wait_for_url("**/login?reason=logged_out")
        expect(tab.get_by_text("You have logged out.")).to_be_visible()
    assert in_module(other, "client.js", ME)["code"] == "session_ended"
    assert not in_module(other, "client.js", "(api) => api.mayBeSignedIn()")


@pytest.mark.slow
def test_session_ended_elsewhere_ends_in_this_tab(screen: Page, site: Site) -> None:
    address = site.registered()
    stub_account_page(screen)
    log_in(screen, address)
    screen.goto("/terms")
    assert in_module(screen, "client.js", ME)["ok"]
    credentials = {"email": address, "password": "correct horse battery"}
    token = site.server.call("POST", "/auth/login", credentials)[1]["access_token"]
    assert site.server.call("POST", "/auth/sessions/revoke-others", {}, token)[0] < 300
    assert in_module(screen, "client.js", ME)["code"] == "session_ended"
    screen.goto("/login")
    asked = calls(screen, "/auth/refresh")
    expect(screen.get_by_role("button", name="Log In", exact=True)).to_be_visible()
    assert screen.url == f"{site.url}/login"
    assert asked == []


@pytest.mark.slow
@pytest.mark.parametrize("how", ["no network", "too many", "busy"])
def test_failed_refresh_keeps_the_session(screen: Page, site: Site, how: str) -> None:
    stub_account_page(screen)
    log_in(screen, site.registered())
    screen.goto("/terms")
    if how == "no network":
        screen.route("**/auth/refresh", lambda route: route.abort())
    else:
        answer(screen, "/auth/refresh", 429 if how == "too many" else 418, {"code": "rate_limited"})
    assert in_module(screen, "client.js", ME)["code"] != "session_ended"
    assert in_module(screen, "client.js", "(api) => api.mayBeSignedIn()")
    screen.unroute("**/auth/refresh")
    assert in_module(screen, "client.js", ME)["ok"]


@pytest.mark.slow
def test_login_page_does_not_refresh_without_a_session(screen: Page) -> None:
    with held(screen, "/auth/refresh") as routes:
        screen.goto("/login")
        screen.wait_for_load_state("networkidle")
        assert routes == []

"""Browser-side security: stored tokens, cookies, headers, and cross-site requests."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page, expect

from pages.routes import FORMS, PLAIN
from pages.safety import POLICY
from tests.support.screen_steps import in_module, stub_account_page
from tests.support.screens import Site, faults, log_in
from tests.support.service import PASSWORD

REFRESH = "__Host-refresh"
MONTH = 30 * 24 * 60 * 60
SHELLS = sorted(path for path in FORMS | PLAIN if not path.startswith("/account"))
# Every string that a script of the page can reach without importing the module.
WITHIN_REACH = """
() => {
  const seen = new Set(), found = [];
  const look = (value, depth) => {
    if (typeof value === "string") found.push(value);
    if (depth > 3 || value === null || typeof value !== "object" || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Node || value instanceof Window) return;
    for (const key of Object.keys(value)) try { look(value[key], depth + 1); } catch {}
  };
  for (const key of Object.getOwnPropertyNames(window)) try { look(window[key], 0); } catch {}
  for (const store of [localStorage, sessionStorage]) found.push(...Object.values(store));
  return [...found, document.cookie, document.documentElement.outerHTML, name];
}
"""


@pytest.fixture
def member(screen: Page, site: Site) -> Page:
    """Return a page outside the account, with a new login."""
    stub_account_page(screen)
    log_in(screen, site.registered(), remember=True)
    screen.goto("/terms")
    return screen


def refresh_cookie(page: Page) -> dict[str, Any]:
    [found] = [dict(cookie) for cookie in page.context.cookies() if cookie.get("name") == REFRESH]
    return found


def test_86_scripts_cannot_read_a_token(member: Page) -> None:
    with member.expect_response("**/auth/refresh") as got:
        assert in_module(member, "client.js", "(api) => api.renew()")["ok"]
    token = got.value.json()["access_token"]
    assert in_module(member, "client.js", "(api) => api.callSignedIn('GET', '/auth/me')")["ok"]
    member.evaluate("window.__sentinel = {deep: {deeper: 'SENTINEL'}}")
    reach = member.evaluate(WITHIN_REACH)
    assert "SENTINEL" in reach  # the search finds strings
    secrets = (token, refresh_cookie(member)["value"], "eyJ")
    assert [words for words in reach if any(secret in words for secret in secrets)] == []
    assert member.evaluate("localStorage.length") == 0
    assert [words for words in member.evaluate("Object.values(sessionStorage)") if len(words) > 300] == []


@pytest.mark.slow
def test_87_refresh_cookie_is_httponly_secure_and_samesite(member: Page, site: Site) -> None:
    cookie = refresh_cookie(member)
    wanted = {"httpOnly": True, "secure": True, "sameSite": "Strict", "path": "/", "domain": "localhost"}
    assert {name: cookie[name] for name in wanted} == wanted


@pytest.mark.slow
def test_88_no_response_body_contains_the_refresh_token(screen: Page, site: Site) -> None:
    stub_account_page(screen)
    address = site.registered()
    tokens, bodies = [], []
    for path in ("/auth/login", "/auth/refresh"):
        with screen.expect_response(f"**{path}") as got:
            if path == "/auth/login":
                screen.goto("/login")
                in_module(screen, "client.js", "(api, all) => api.logIn(...all)", [address, PASSWORD, True])
            else:
                in_module(screen, "client.js", "(api) => api.renew()")
        bodies.append(got.value.text())
        tokens.append(refresh_cookie(screen)["value"])
    assert all("access_token" in body for body in bodies)
    assert tokens[0] != tokens[1]
    assert not any(token in body for token in tokens for body in bodies)


def test_89_every_page_has_the_csp_and_does_not_violate_it(screen: Page, complaints: list[str]) -> None:
    for path in (*SHELLS, "/nowhere"):
        shell = screen.goto(path)
        assert shell is not None
        assert shell.headers["content-security-policy"] == POLICY, path
        screen.wait_for_load_state("networkidle")
        assert faults(complaints) == [], path
        screen.evaluate("document.body.setAttribute('style', 'color: red')")
        expect(screen.locator("body")).not_to_have_css("color", "rgb(255, 0, 0)")
        assert any("policy: style-src" in complaint for complaint in complaints), path  # they are recorded
        complaints.clear()


@pytest.mark.slow
@pytest.mark.parametrize("path", SHELLS)
def test_92_the_headers_of_pages(site: Site, path: str) -> None:
    with urlopen(f"{site.url}{path}") as shell:
        headers = shell.headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_91_login_accepts_json_only(site: Site, kind: str) -> None:
    body = json.dumps({"email": site.registered(), "password": PASSWORD}).encode()
    asked = Request(f"{site.url}/auth/login", body, {"Content-Type": kind})
    with pytest.raises(HTTPError) as refused:
        urlopen(asked)
    with refused.value:
        assert refused.value.code == 415


class Hostile(BaseHTTPRequestHandler):
    """Another site: an empty page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b'<!doctype html><link rel="icon" href="data:,"><title>Hostile</title>')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def another_site() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Hostile) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


FORGED_FORM = """
([url, kind, name, value]) => {
  const form = Object.assign(document.createElement("form"), {method: "post", action: url, enctype: kind});
  form.append(Object.assign(document.createElement("input"), {name, value}));
  document.body.append(form);
  form.submit();
}
"""


def forge(page: Page, url: str, kind: str = "application/x-www-form-urlencoded") -> int:
    """Submit a cross-site form; return the status of the response."""
    with page.expect_navigation(), page.expect_response(url) as got:
        page.evaluate(FORGED_FORM, [url, kind, "contrast", "more"])
    return got.value.status


FORGED_FETCH = """
([url, kind, body]) => fetch(url, {
  method: "POST", credentials: "include", mode: kind === "application/json" ? "cors" : "no-cors",
  headers: {"Content-Type": kind}, body,
}).then((answer) => answer.type, () => "refused")
"""


@pytest.mark.slow
def test_90_cross_site_requests_are_refused(member: Page, site: Site) -> None:
    before = member.context.cookies(site.url)
    credentials = {"email": site.registered(), "password": PASSWORD, "token_delivery": "cookie"}
    body = json.dumps(credentials)
    with another_site() as origin:
        hostile = member.context.new_page()
        for path, refusals in (
            ("/auth/login", {403, 415}),
            ("/auth/refresh", {401, 403, 415}),
            ("/auth/logout", {403, 415, 204}),
            ("/logout", {403}),
            ("/preferences/contrast", {403}),
        ):
            for kind in ("text/plain", "application/x-www-form-urlencoded"):
                hostile.goto(origin)
                assert forge(hostile, f"{site.url}{path}", kind) in refusals, (path, kind)
            hostile.goto(origin)
            for kind in ("text/plain", "application/json"):
                seen = hostile.evaluate(FORGED_FETCH, [f"{site.url}{path}", kind, body])
                assert seen in {"refused", "opaque"}, (path, kind)
        hostile.close()
    assert member.context.cookies(site.url) == before
    assert in_module(member, "client.js", "(api) => api.callSignedIn('GET', '/auth/me')")["ok"]


@pytest.mark.slow
def test_90_same_origin_forms_are_accepted(screen: Page, site: Site) -> None:
    log_in(screen, site.registered())
    expect(screen.get_by_role("heading", level=1)).to_be_visible()
    with screen.expect_response("**/preferences/contrast") as got:
        screen.get_by_role("button", name="High contrast").click()
    assert got.value.status == 303
    with screen.expect_response("**/logout") as got:
        screen.get_by_role("button", name="Log Out").click()
    assert got.value.status == 204
    screen.wait_for_url("**/login?reason=logged_out")
    expect(screen.locator("html")).to_have_attribute("data-contrast", "more")
    expect(screen.get_by_text("You have logged out.")).to_be_visible()
    assert REFRESH not in {cookie.get("name") for cookie in screen.context.cookies()}


@pytest.mark.slow
@pytest.mark.parametrize("remember", [True, False])
def test_83_renewal_keeps_whether_the_session_is_remembered(screen: Page, site: Site, remember: bool) -> None:
    stub_account_page(screen)
    log_in(screen, site.registered(), remember=remember)
    screen.goto("/terms")
    now = screen.evaluate("Date.now() / 1000")
    for _ in range(4):
        expires = refresh_cookie(screen)["expires"]
        assert (now + MONTH - 24 * 60 * 60 < expires <= now + MONTH + 60) if remember else expires == -1
        before = refresh_cookie(screen)["value"]
        assert in_module(screen, "client.js", "(api) => api.renew()")["ok"]
        assert refresh_cookie(screen)["value"] != before

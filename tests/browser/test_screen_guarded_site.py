"""The guide for a site behind nginx, as it is written: two hosts, nginx with TLS, and Chromium."""

import json
import socket
import ssl
from collections.abc import Iterator
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect

from bench.chromium import chromium as path_of_chromium
from tests.support.documents import example
from tests.support.examples import copy_guard, trusting_site
from tests.support.haproxy import changed, self_signed
from tests.support.proxies import DEPLOY, running_nginx
from tests.support.screen_steps import fill_login, fill_signup, heading, submit
from tests.support.screens import DESKTOP, FLAGS, Site, opened, running
from tests.support.server import DEADLINE, free_port, until

pytestmark = pytest.mark.slow

AUTH, APP = "https://auth.example.com", "https://app.example.com"
PAGE = f"{APP}/page?a=1&b=%2F"
SETTINGS = {
    "PUBLIC_URL": AUTH,
    "RETURN_ORIGINS": APP,
    "VERIFY_COOKIE": "example.com",
    "TRUSTED_PROXIES": "1",
    "CLIENT_ADDRESS_HEADER": "Clientaddress",
}
VERIFY = "__Secure-verify"


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture(scope="module")
def guarded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, int]]:
    """Run the service and the site behind nginx; yield the service and the port of nginx."""
    folder = tmp_path_factory.mktemp("guarded")
    self_signed(folder)
    port, plain = free_port(), free_port()
    files = {
        "/etc/auth/tls/fullchain.pem": str(folder / "certificate"),
        "/etc/auth/tls/privkey.pem": str(folder / "key"),
        "listen 443 ": f"listen 127.0.0.1:{port} ",
    }
    with running(sqlite_template, folder, **SETTINGS) as site, trusting_site() as application:
        here = {"127.0.0.1:8000": f"127.0.0.1:{site.server.port}"}
        shipped = (DEPLOY / "nginx" / "auth.conf").read_text("utf-8")
        service = changed(shipped, files | here | {"listen 80;": f"listen 127.0.0.1:{plain};"})
        documented = example("nginx-site", {9000: application}, "guarded-site")
        copy_guard(folder, site.server.port)
        with running_nginx(folder, service + changed(documented, files)):
            until(lambda: _listens(port), "nginx to listen")
            yield site, port


@pytest.fixture(scope="module")
def chromium(browser: Browser, guarded: tuple[Site, int]) -> Iterator[Browser]:
    """Run a browser for which both hosts are nginx."""
    hosts = f"--host-resolver-rules=MAP *.example.com:443 127.0.0.1:{guarded[1]}"
    started = browser.browser_type.launch(executable_path=path_of_chromium(), args=[*FLAGS, hosts])
    yield started
    started.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    made = chromium.new_context(viewport=DESKTOP, base_url=AUTH, ignore_https_errors=True)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Page:
    return opened(context, complaints)


def told(page: Page) -> dict[str, Any]:
    """Return the headers that the application got."""
    page.wait_for_url(PAGE)
    found: dict[str, Any] = json.loads(page.locator("body").inner_text())
    return {name.lower(): value for name, value in found.items()}


def asked(port: int, method: str, headers: dict[str, str]) -> tuple[int, str]:
    """Send a request for the page to nginx; return the status and the body."""
    connection = HTTPSConnection(
        "127.0.0.1", port, context=ssl._create_unverified_context(), timeout=DEADLINE
    )
    connection.request(method, PAGE.removeprefix(APP), headers={"Host": "app.example.com", **headers})
    with connection.getresponse() as answer:
        found = answer.status, answer.read().decode()
    connection.close()
    return found


def cookies(context: BrowserContext) -> dict[str, str]:
    return {each.get("name", ""): each.get("value", "") for each in context.cookies([AUTH, APP])}


def logged_in(page: Page, site: Site) -> dict[str, Any]:
    """Open the guarded site, and log in where it leads; return what the application got."""
    page.goto(PAGE)
    heading(page, "Log In")
    assert parse_qs(urlsplit(page.url).query)["next"] == [PAGE]
    fill_login(page, site.registered())
    submit(page, "Log In")
    return told(page)


def test_person_logs_in_sees_the_site_logs_out_and_is_refused(
    page: Page, context: BrowserContext, guarded: tuple[Site, int]
) -> None:
    assert logged_in(page, guarded[0])["x-auth-user-id"]
    (cookie,) = (each for each in context.cookies(APP) if each.get("name") == VERIFY)
    facts = {name: cookie.get(name) for name in ("domain", "path", "secure", "httpOnly", "sameSite")}
    expected = {"domain": ".example.com", "path": "/", "secure": True, "httpOnly": True, "sameSite": "Lax"}
    assert facts == expected

    # Without the cookie the login page renews it, and leads back without a form.
    context.clear_cookies(name=VERIFY)
    page.goto(PAGE)
    assert told(page)["x-auth-user-id"]

    kept = cookies(context)[VERIFY]
    page.goto(f"/logout?next={APP}/page%3Fa%3D1%26b%3D%252F")
    heading(page, "Log Out?")
    expect(page.get_by_role("button", name="Log Out")).to_have_count(1)
    submit(page, "Log Out")
    heading(page, "Log In")  # the site asked for a login again
    assert parse_qs(urlsplit(page.url).query)["next"] == [PAGE]
    assert VERIFY not in cookies(context)

    context.add_cookies([{"name": VERIFY, "value": kept, "url": APP, "secure": True}])
    page.goto(PAGE)
    heading(page, "Log In")


def test_proxy_keeps_the_cookie_from_the_application(
    page: Page, context: BrowserContext, guarded: tuple[Site, int]
) -> None:
    context.add_cookies([{"name": "own", "value": "1", "url": APP}, {"name": "z", "value": "2", "url": APP}])
    assert {*logged_in(page, guarded[0])["cookie"].strip("; ").split("; ")} == {"own=1", "z=2"}
    value = cookies(context)[VERIFY]
    for sent in (
        f"{VERIFY}={value}; own=1",
        f"own=1; {VERIFY}={value}; z=2",
        f"own=1;{VERIFY}={value}",
        f"{VERIFY}={value}",
        f"{VERIFY}={value}; own=1; {VERIFY}={value}",
    ):
        status, body = asked(guarded[1], "GET", {"Cookie": sent})
        assert status == 200, sent
        assert VERIFY not in body, sent


def test_request_that_changes_something_needs_the_origin_of_the_site(
    page: Page, context: BrowserContext, guarded: tuple[Site, int], complaints: list[str]
) -> None:
    logged_in(page, guarded[0])
    send = "(method) => fetch(location.href, { method }).then((answer) => answer.status)"
    assert page.evaluate(send, "POST") == 501  # of the application, which knows no POST
    complaints.clear()
    cookie = {"Cookie": f"{VERIFY}={cookies(context)[VERIFY]}"}
    statuses = {}
    for origin in (None, "https://evil.example.com", "null", APP):
        forged = {"X-Original-Origin": APP, "X-Original-Method": "GET"}
        sent = cookie | forged | ({"Origin": origin} if origin else {})
        statuses[origin] = asked(guarded[1], "POST", sent)[0]
    assert statuses == {None: 302, "https://evil.example.com": 302, "null": 302, APP: 501}


def test_call_of_a_script_without_the_cookie_is_a_401(
    page: Page, context: BrowserContext, guarded: tuple[Site, int], complaints: list[str]
) -> None:
    logged_in(page, guarded[0])
    context.clear_cookies(name=VERIFY)
    assert page.evaluate("() => fetch(location.href).then((answer) => answer.status)") == 401
    complaints.clear()


def test_site_that_sends_the_browser_back_three_times_leads_to_a_page(
    page: Page, context: BrowserContext, guarded: tuple[Site, int]
) -> None:
    logged_in(page, guarded[0])
    other, visits = f"{APP}/other", list[str]()
    login = f"{AUTH}/login?next={other}"

    def back(route: Route) -> None:
        visits.append(route.request.url)
        route.fulfill(content_type="text/html", body=f'<meta http-equiv="refresh" content="0;url={login}">')

    context.route(other, back)
    page.goto(login)
    heading(page, "Your Browser Blocks Cookies")
    assert visits == [other] * 3
    expect(page.locator(".message")).to_contain_text("app.example.com asked for your login three times")
    context.unroute(other, back)
    page.get_by_role("link", name="Try Again").click()
    page.wait_for_url(other)
    expect(page.locator("body")).to_contain_text("X-Auth-User-Id")


def test_sign_up_leads_back_to_the_site_after_the_confirmation(page: Page, guarded: tuple[Site, int]) -> None:
    address = "newcomer@example.org"
    page.goto(PAGE)
    page.get_by_role("link", name="Sign Up").click()
    page.wait_for_url("**/signup?**")
    expect(page.locator("input[name=next]")).to_have_value(PAGE)
    fill_signup(page, address)
    submit(page, "Sign Up")
    heading(page, "Check Your Email")
    page.goto(guarded[0].link(address, "/verify-email"))
    submit(page, "Confirm Email")
    page.get_by_role("link", name="Continue").click()
    assert told(page)["x-auth-user-id"]

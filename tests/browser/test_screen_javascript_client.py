"""The client of `sdk/js` in Chromium, by the examples of its guide."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.support.documents import example
from tests.support.frontends import Frontend, frontend
from tests.support.screen_steps import stub_account_page, waits
from tests.support.screens import Site, log_in, opened
from tests.support.server import Server, serving
from tests.support.service import PASSWORD

pytestmark = pytest.mark.slow

IMPORT = 'import { createClient } from "auth-service-client";\n'
ELSEWHERE = "https://auth.example.com"
ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}


def guide(name: str) -> str:
    return example(f"javascript-{name}", {}, "javascript")


@contextmanager
def service(template: Path, folder: Path, site: Frontend, **settings: str) -> Iterator[Server]:
    """Run the service for this frontend, with an account."""
    shutil.copy(template, folder / "auth.db")
    with serving(f"sqlite:///{folder / 'auth.db'}", folder, **settings) as server:
        site.service = server.port
        assert server.call("POST", "/auth/register", ADA)[0] == 201
        yield server


def run(page: Page, work: str, argument: Any = None) -> Any:
    """Run `work`, a function of the exports of `/auth.js` and an argument."""
    return page.evaluate(f"async (argument) => ({work})(await import('/auth.js'), argument)", argument)


LOG_IN = "({ auth }, given) => auth.login(given).then((answer) => answer.user.username)"
CREDENTIALS = {"username": "ada", "password": PASSWORD}
FETCHED = """
async (_, [client, url]) => {
  const { createClient } = await import(client);
  const auth = createClient(location.origin);
  await auth.sessions(); // gets an access token
  const answer = await auth.fetch(url);
  return [answer.status, (await answer.json()).user.email];
}
"""


def test_fetch_renews_the_access_token_once_after_a_401(screen: Page, site: Site) -> None:
    stub_account_page(screen)
    address = site.registered()
    log_in(screen, address)
    screen.goto("/terms")
    client = screen.evaluate(
        "document.querySelector('script[type=module]').src.replace(/[^/]+\\/[^/]+$/, 'lib/auth.js')"
    )
    asked: list[str] = []

    def refused_once(route: Route) -> None:
        asked.append(route.request.headers["authorization"])
        if len(asked) == 1:
            route.fulfill(status=401, json={"code": "token_invalid"})
        else:
            route.continue_()

    refreshes: list[Route] = []
    screen.route("**/auth/me", refused_once)

    def counted(route: Route) -> None:
        refreshes.append(route)
        route.continue_()

    screen.route("**/auth/refresh", counted)
    script = f"(argument) => ({FETCHED})(null, argument)"
    assert screen.evaluate(script, [client, f"{site.url}/auth/me"]) == [200, address]
    assert len(set(asked)) == len(asked) == 2
    assert len(refreshes) == 2  # the page had no access token at first


@pytest.mark.parametrize("is_kept", [True, False])
def test_session_storage_keeps_the_login_across_a_reload(
    screen: Page, complaints: list[str], sqlite_template: Path, tmp_path: Path, is_kept: bool
) -> None:
    written = guide("store")
    assert ELSEWHERE in written
    if not is_kept:
        written = written.replace(", { store }", "")
    with ExitStack() as stack:
        files: dict[str, str] = {}
        site = stack.enter_context(frontend(files))
        server = stack.enter_context(service(sqlite_template, tmp_path, site, CORS_ORIGINS=site.origin))
        site.files["/auth.js"] = IMPORT + written.replace(ELSEWHERE, server.url)
        screen.goto(site.origin)
        assert run(screen, LOG_IN, CREDENTIALS) == "ada"
        assert run(screen, "({ auth }) => auth.fetch('/api/orders').then((answer) => answer.json())") == [
            "one order"
        ]
        screen.reload()
        assert run(screen, "({ auth }) => auth.isSignedIn()") is is_kept
        held = screen.evaluate("Object.values(sessionStorage)")
        assert not any("eyJ" in value for value in held)  # no access token
        if is_kept:
            assert run(screen, "({ auth }) => auth.me().then((me) => me.user.username)") == "ada"
            other = opened(screen.context, complaints)
            other.goto(site.origin)
            assert run(other, LOG_IN, CREDENTIALS) == "ada"
            assert run(other, "({ auth }) => auth.sessions().then((all) => all.length)") == 2
            run(other, "({ auth }) => auth.logout()")
            assert run(screen, "({ auth }) => auth.isSignedIn()")  # that was another session
            assert run(screen, "({ auth }) => auth.sessions().then((all) => all.length)") == 1
            run(screen, "({ auth }) => auth.logout()")
            assert screen.evaluate("Object.keys(sessionStorage)") == ["auth.device_token"]
        assert screen.context.cookies() == []


ORDERS = "async ({ auth }, given) => { const { orders } = await import('/calls.js'); return orders(); }"


def test_guide_behind_a_proxy_logs_in_and_two_tabs_refresh_once(
    screen: Page, complaints: list[str], sqlite_template: Path, tmp_path: Path
) -> None:
    files = {
        "/auth.js": guide("login"),
        "/calls.js": 'import { auth } from "./auth.js";\n' + guide("calls"),
    }
    with (
        frontend(files) as site,
        service(sqlite_template, tmp_path, site, PUBLIC_URL=site.origin),
    ):
        screen.goto(site.origin)
        user = "({ logIn }, given) => logIn(given.email, given.password).then(({ user }) => user.username)"
        assert run(screen, user, ADA) == "ada"
        assert run(screen, ORDERS) == ["one order"]
        assert screen.evaluate("[...Object.values(localStorage), ...Object.values(sessionStorage)]") == []
        tabs = [screen, opened(screen.context, complaints)]
        held: list[Route] = []

        def hold(route: Route) -> None:
            held.append(route)

        screen.context.route("**/auth/refresh", hold)
        for tab in tabs:
            tab.goto(site.origin)
            work = "([1, 2].map(() => auth.me())).map((me) => me.then(() => window.__got.push(1)))"
            run(tab, f"({{ auth }}) => {{ window.__got = []; {work}; }}")
        waits(screen, held)
        held[0].continue_()
        for tab in tabs:
            tab.wait_for_function("() => window.__got.length === 2")
        assert len(held) == 1
        deleted = "async () => (await import('/calls.js')).deleteAccount()"
        run(screen, deleted)
        assert run(screen, "({ auth }) => auth.isSignedIn()") is False
        assert run(tabs[1], "({ auth }) => auth.isSignedIn()") is False


def test_logout_in_one_tab_is_told_in_the_other(
    screen: Page, complaints: list[str], sqlite_template: Path, tmp_path: Path
) -> None:
    with (
        frontend({"/auth.js": guide("login")}) as site,
        service(sqlite_template, tmp_path, site, PUBLIC_URL=site.origin),
    ):
        screen.goto(site.origin)
        run(screen, LOG_IN, CREDENTIALS)
        other = opened(screen.context, complaints)
        other.goto(site.origin)
        listening = "auth.onSignedOut((reason) => { window.__told = reason; })"
        run(other, f"async ({{ auth }}) => {{ {listening}; await auth.me(); }}")
        run(screen, "({ auth }) => auth.logout()")
        other.wait_for_function("() => window.__told === 'logged_out'")
        refused = "({ auth }) => auth.fetch('/api/orders').catch((error) => error.code)"
        assert run(other, refused) == "session_ended"

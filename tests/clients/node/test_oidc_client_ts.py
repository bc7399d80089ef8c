"""oidc-client-ts 3 in a page of another origin: a public client, by CORS, with refresh tokens."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.support.app_screens import allow
from tests.support.real_clients import Person, Provider
from tests.support.screen_steps import fill_login, submit

pytestmark = pytest.mark.slow

PAGE = "oidc_client_ts.html"


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@pytest.fixture
def origin(packages: Path) -> Iterator[str]:
    """Serve the page on 127.0.0.1, which is another site than localhost; yield its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(packages))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def leaves(screen: Page, call: str) -> None:
    """Call a method that navigates away."""
    screen.evaluate(f"() => {{ void manager().{call}; }}")


def test_page_logs_in_refreshes_and_logs_out(
    provider: Provider, person: Person, screen: Page, origin: str
) -> None:
    address = f"{origin}/{PAGE}"
    made = provider.add("oidc-client-ts", "--spa", "--redirect", address, "--post-logout", address)
    assert made["secret"] is None
    screen.goto(address)
    screen.evaluate("set", {"authority": provider.issuer, "client_id": made["id"]})
    leaves(screen, "signinRedirect()")
    fill_login(screen, person.address)
    submit(screen, "Log In")
    allow(screen)
    screen.wait_for_url(f"{address}?code=*")
    user = screen.evaluate("() => manager().signinCallback()")
    assert (user["profile"]["email"], user["profile"]["email_verified"]) == (person.address, True)
    assert user["profile"]["sub"]
    assert user["profile"]["preferred_username"]

    refreshed = screen.evaluate("() => manager().signinSilent()")
    assert refreshed["refresh_token"] != user["refresh_token"]
    assert refreshed["access_token"] != user["access_token"]
    assert refreshed["profile"]["sub"] == user["profile"]["sub"]

    leaves(screen, "signoutRedirect({ state: 'bye' })")
    screen.wait_for_url(f"{address}?state=*")
    assert screen.evaluate("() => manager().getUser()") is None
    screen.goto(f"{provider.issuer}/account")
    expect(screen.get_by_role("button", name="Log In")).to_be_visible()


def test_revoked_access_of_a_page_cannot_be_refreshed(
    provider: Provider, person: Person, screen: Page, origin: str
) -> None:
    address = f"{origin}/{PAGE}"
    made = provider.add("oidc-client-ts revoked", "--spa", "--redirect", address)
    screen.goto(address)
    screen.evaluate("set", {"authority": provider.issuer, "client_id": made["id"]})
    url = screen.evaluate(
        """async () => {
          const client = new oidc.OidcClient(manager().settings);
          return (await client.createSigninRequest({ request_type: "si:r" })).url;
        }"""
    )
    screen.goto(person.opens(url) or "")
    user = screen.evaluate("() => manager().signinCallback()")
    screen.evaluate("() => manager().revokeTokens(['refresh_token'])")
    told = screen.evaluate(
        """async ([token, sub]) => {
          const stored = await manager().getUser();
          stored.refresh_token = token;
          await manager().storeUser(stored);
          return manager().signinSilent().then(() => "refreshed", (error) => error.error);
        }""",
        [user["refresh_token"], user["profile"]["sub"]],
    )
    assert told == "invalid_grant"


IMPORTS = """
<script type="importmap">{"imports": {
  "oidc-client-ts": "/node_modules/oidc-client-ts/dist/esm/oidc-client-ts.js",
  "jwt-decode": "/node_modules/jwt-decode/build/esm/index.js"
}}</script>
"""


def test_snippet_for_a_page_logs_in(
    packages: Path, provider: Provider, person: Person, screen: Page, origin: str
) -> None:
    """The configuration that `clients add --spa` prints, as a module."""
    address = f"{origin}/snippet.html"
    snippet = provider.add("page", "--spa", "--redirect", address)["snippet"]
    page = f'<!doctype html><title>Page</title><link rel="icon" href="data:,">{IMPORTS}'
    (packages / "snippet.html").write_text(f'{page}<script type="module">{snippet}</script>')
    with screen.expect_console_message(lambda each: each.text.startswith("logged in")) as said:
        screen.goto(address)
        fill_login(screen, person.address)
        submit(screen, "Log In")
        allow(screen)
    assert said.value.text.removeprefix("logged in ").isdecimal()

"""Express applications with passport-openidconnect and Auth.js log a person in by the pages, in Chromium."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.support.app_screens import allow
from tests.support.commands import asked
from tests.support.examples import running
from tests.support.programs import executable
from tests.support.real_clients import Person, Provider
from tests.support.screen_steps import fill_login, submit
from tests.support.server import free_port

pytestmark = pytest.mark.slow


@contextmanager
def application(packages: Path, provider: Provider, program: str, path: str, *options: str) -> Iterator[str]:
    """Register an application with a redirect address of this path and run it; yield its address.

    It is another site for the browser: 127.0.0.1, and not localhost as the service.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    made = provider.add(f"{program} {port}", "--redirect", f"{url}{path}", *options)
    command = [executable("node"), f"{program}.mjs", str(port), provider.issuer, made["id"]]
    with running(command, packages, url, SECRET=made["secret"], NODE_ENV="production"):
        yield url


def shown(screen: Page) -> Any:
    """Return the JSON that the page shows."""
    return json.loads(screen.locator("body").inner_text())


def test_passport_openidconnect_logs_in(
    packages: Path, provider: Provider, person: Person, screen: Page
) -> None:
    options = ("--pkce", "optional")  # it has no PKCE
    with application(packages, provider, "passport", "/oauth2/redirect", *options) as url:
        screen.goto(f"{url}/login")
        fill_login(screen, person.address)
        submit(screen, "Log In")
        allow(screen)
        screen.wait_for_url(f"{url}/")
        user = shown(screen)
        assert user["issuer"] == provider.issuer
        assert [each["value"] for each in user["profile"]["emails"]] == [person.address]
        assert user["profile"]["username"]

        screen.context.clear_cookies(name="app")  # the session here remains, and nothing is asked again
        screen.goto(f"{url}/login")
        screen.wait_for_url(f"{url}/")
        assert shown(screen)["profile"]["id"] == user["profile"]["id"]


def test_passport_openidconnect_reports_a_denial(
    packages: Path, provider: Provider, person: Person, screen: Page
) -> None:
    with application(packages, provider, "passport", "/oauth2/redirect", "--id", "denied") as url:
        screen.goto(f"{url}/login")
        screen.wait_for_url(f"{url}/oauth2/redirect?error=invalid_request*")
        assert "AuthorizationError: invalid_request" in screen.locator("body").inner_text()
    assert "PKCE is missing" in provider.explained("denied")


def test_snippet_for_express_logs_in(
    packages: Path, provider: Provider, person: Person, screen: Page
) -> None:
    """The configuration that `clients add` prints, with openid-client."""
    url = f"http://127.0.0.1:{free_port()}"
    made = provider.add("snippet", "--redirect", f"{url}/cb")
    text = asked(provider.app, "clients", "snippet", "snippet", "--for", "express")["snippet"]
    (packages / "snippet.mjs").write_text(text)
    command = [executable("node"), "snippet.mjs"]
    with running(command, packages, url, OIDC_CLIENT_SECRET=made["secret"], SESSION_SECRET="of-a-test"):
        screen.goto(url)
        fill_login(screen, person.address)
        submit(screen, "Log In")
        allow(screen)
        screen.wait_for_url(f"{url}/")
        assert shown(screen)["sub"].isdecimal()


def test_auth_js_logs_in_as_the_snippet_for_next_js_configures_it(
    packages: Path, provider: Provider, person: Person, screen: Page
) -> None:
    """The text for `auth.ts`, with Express instead of Next.js."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    made = provider.add("Auth.js", "--redirect", f"{url}/auth/callback/provider")
    text = asked(provider.app, "clients", "snippet", "Auth.js", "--for", "nextjs")["snippet"]
    text = re.sub(r"^declare module .*?^}\n", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r'"next(-auth|/navigation)"', '"./next.mjs"', text)
    (packages / "auth.mjs").write_text(text)
    (packages / "next.mjs").write_text(
        "export default (config) => ({ handlers: config }); export const redirect = null;"
    )
    command = [executable("node"), "auth_express.mjs", str(port)]
    with running(command, packages, url, OIDC_CLIENT_SECRET=made["secret"], NODE_ENV="production"):
        screen.goto(f"{url}/auth/signin?callbackUrl=%2F")
        submit(screen, "Sign in with Auth.js")
        fill_login(screen, person.address)
        submit(screen, "Log In")
        allow(screen)
        screen.wait_for_url(f"{url}/")
        session = shown(screen)
        assert session["user"]["email"] == person.address
        assert session["profile"]["iss"] == provider.issuer
        assert session["profile"]["email_verified"] is True

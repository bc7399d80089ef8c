"""A Next.js application with Auth.js, as the printed configuration and the guide make it, in Chromium."""

import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.support.app_screens import allow
from tests.support.programs import executable, npm_ci
from tests.support.provider import Person, Provider, running_client
from tests.support.screen_steps import fill_login, submit
from tests.support.server import free_port

pytestmark = pytest.mark.nightly
APPLICATION = Path(__file__).parent / "nextjs"


@pytest.fixture(scope="module")
def shop(issuer: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Build the application with the printed `auth.ts`, and run it; yield its address."""
    url = f"http://localhost:{free_port()}"
    added = issuer.command("clients", "add", "Shop", "--preset", "nextjs", "--uri", url)
    folder = tmp_path_factory.mktemp("nextjs") / "shop"
    shutil.copytree(APPLICATION, folder)
    (folder / "auth.ts").write_text(added["snippet"])
    settings = {
        "OIDC_CLIENT_SECRET": added["secret"],
        "AUTH_SECRET": secrets.token_urlsafe(32),
        "AUTH_TRUST_HOST": "true",
    }
    (folder / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    npm_ci(folder)
    # Not by npx, which leaves its child behind when it is stopped.
    program = [executable("node"), "node_modules/next/dist/bin/next"]
    quiet = {"NEXT_TELEMETRY_DISABLED": "1"}
    build = subprocess.run(
        [*program, "build"],  # it checks the types of `auth.ts`
        cwd=folder,
        env=os.environ | quiet,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert build.returncode == 0, build.stdout + build.stderr
    serve = [*program, "start", "--hostname", "localhost", "--port", url.rpartition(":")[2]]
    with running_client(serve, url, folder, quiet):
        yield url


def test_application_logs_in_shows_the_name_and_logs_out(shop: str, person: Person, screen: Page) -> None:
    screen.goto(shop)
    submit(screen, "Enter")
    fill_login(screen, person.address)
    submit(screen, "Log In")
    allow(screen)
    screen.wait_for_url(f"{shop}/")
    name = person.address.partition("@")[0]
    expect(screen.get_by_text(f"Hello {name}, {person.address}")).to_be_visible()
    submit(screen, "Leave")
    expect(screen.get_by_role("button", name="Enter")).to_be_visible()
    screen.goto(shop)
    expect(screen.get_by_role("button", name="Enter")).to_be_visible()

    submit(screen, "Enter")  # the session here goes on: nothing is asked
    expect(screen.get_by_text(f"Hello {name}, {person.address}")).to_be_visible()


def test_denied_login_returns_to_the_application(
    shop: str, issuer: Provider, person: Person, screen: Page
) -> None:
    screen.goto(shop)
    submit(screen, "Enter")
    fill_login(screen, person.address)
    submit(screen, "Log In")
    screen.get_by_role("button", name="Cancel").click()
    screen.wait_for_url(f"{shop}/api/auth/signin?error=OAuthCallbackError*")

"""The guide of React with Vite, followed to the letter, in Chromium."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.documents import example, files_of, section
from tests.support.phone import phone_of
from tests.support.programs import executable, installed
from tests.support.project import ROOT
from tests.support.provider import running_client
from tests.support.screen_steps import fill_login, fill_signup, submit
from tests.support.screens import faults, opened, running
from tests.support.server import free_port
from tests.support.service import PASSWORD

pytestmark = [pytest.mark.slow, pytest.mark.nightly]

# What the test runs in place of a command. Packages of the lock file are installed beside the application.
COMMANDS = {
    "npm create vite@latest react-shop -- ": "node node_modules/create-vite/index.js react-shop ",
    "npm install\n": "\n",
    "npm install ": "npm install --prefix .. --offline --no-audit --no-fund ",
}


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the application after the commands of the guide. npm needs its registry."""
    folder = installed(tmp_path_factory.mktemp("vite"), Path(__file__).parent / "vite")
    (folder / "auth-service").symlink_to(ROOT)
    commands = section("react-make").replace("```bash\n", "").replace("```", "")
    for written, done in COMMANDS.items():
        assert written in commands
        commands = commands.replace(written, done, 1)
    run(commands, folder)
    (folder / "react-shop/src/account.js").write_text(example("javascript-react", {}, "javascript"))
    return folder / "react-shop"


def run(commands: str, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-ec", commands], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@contextmanager
def vite(shop: Path, name: str, folder: Path, port: int, service: int) -> Iterator[str]:
    """Run Vite with the files of a section; yield its origin."""
    copy = shop.parent / name
    shutil.copytree(shop, copy)
    for path, text in files_of(name).items():
        (copy / path).write_text(text.replace("localhost:8000", f"localhost:{service}"))
    words = [executable("node"), "../node_modules/vite/bin/vite.js", "--port", str(port), "--strictPort"]
    url = f"http://localhost:{port}"
    with running_client(words, url, copy):
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that fails as `screen` does, except for what Vite and React write."""
    found: list[str] = []
    context = browser.new_context()
    yield opened(context, found)
    context.close()
    own = re.compile(r"^\[vite\]|Download the React DevTools")
    assert not [each for each in faults(found) if not own.search(each)]


@pytest.mark.timeout(300)
def test_application_behind_the_proxy_leads_to_the_screens_of_the_service(
    shop: Path, page: Page, sqlite_template: Path, tmp_path: Path
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    with running(sqlite_template, tmp_path, PUBLIC_URL=origin) as site:
        assert f"Screens: {origin}/\n" in site.server.log.read_text()
        with vite(shop, "react-proxy", tmp_path, port, site.server.port):
            page.goto(origin)
            page.get_by_role("link", name="Log in").click()
            page.get_by_role("link", name="Sign Up").click()
            fill_signup(page, "ada@example.com")
            submit(page, "Sign Up")
            page.wait_for_url(f"{origin}/signup/sent**")
            link = site.link("ada@example.com", "/verify-email")
            assert link.startswith(f"{origin}/verify-email#token=")
            page.goto(link)
            expect(page.get_by_role("heading", level=1)).to_have_text("Confirm Your Email")
            expect(page.get_by_role("button", name="Confirm Email")).to_be_visible()
            phone = phone_of(site.server, "ada@example.com")
            page.goto(f"{origin}/login?next=/")
            fill_login(page, "ada@example.com")
            submit(page, "Log In")
            page.locator("#code").wait_for()  # before a code is made, which lives for seconds
            page.locator("#code").fill(phone.code())
            page.keyboard.press("Enter")
            page.wait_for_url(f"{origin}/")
            name = re.compile("Log out ada")
            expect(page.get_by_role("button", name=name)).to_be_visible()
            page.reload()
            expect(page.get_by_role("button", name=name)).to_be_visible()
            page.get_by_role("button", name=name).click()
            expect(page.get_by_role("link", name="Log in")).to_be_visible()


@pytest.mark.timeout(300)
def test_application_on_another_origin_logs_in_with_a_second_factor(
    shop: Path, page: Page, sqlite_template: Path, tmp_path: Path
) -> None:
    port = free_port()
    with (
        running(sqlite_template, tmp_path, CORS_ORIGINS=f"http://localhost:{port}") as site,
        vite(shop, "react-elsewhere", tmp_path, port, site.server.port) as origin,
    ):
        address = site.registered(confirmed=True)
        assert site.link(address, "/verify-email").startswith(site.url)
        page.goto(origin)
        logs_in(page, address)
        page.get_by_role("button", name=re.compile("Log out person")).click()
        phone = phone_of(site.server, address)
        logs_in(page, address)
        page.get_by_placeholder("code").fill("000000")
        submit(page, "Log in")
        expect(page.get_by_text("This code is not right")).to_be_visible()
        page.get_by_placeholder("code").fill(phone.code())
        submit(page, "Log in")
        expect(page.get_by_role("button", name=re.compile("Log out person"))).to_be_visible()


def logs_in(page: Page, address: str) -> None:
    page.get_by_placeholder("email").fill(address)
    page.get_by_placeholder("password").fill(PASSWORD)
    submit(page, "Log in")

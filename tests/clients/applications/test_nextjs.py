"""The guide of Next.js, followed to the letter, in Chromium."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.app_screens import allow
from tests.support.documents import files_of, section
from tests.support.haproxy import changed
from tests.support.phone import phone_of
from tests.support.programs import executable, installed
from tests.support.provider import Person, Provider, provider, running_client
from tests.support.screen_steps import fill_login, heading, submit
from tests.support.screens import faults, opened
from tests.support.server import free_port

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(600)]

# What the test runs in place of a command. Packages of the lock file are installed beside the application.
COMMANDS = {
    "npx --yes create-next-app@latest ": "node node_modules/create-next-app/dist/index.js ",
    " --no-cache-components": (
        " --no-cache-components --no-tailwind --no-eslint --skip-install --disable-git"
    ),
    'npm install "next-auth@^5.0.0-beta"\n': "\n",
}
QUIET = {"NEXT_TELEMETRY_DISABLED": "1"}
NEXT = "../node_modules/next/dist/bin/next"  # not by npx, which leaves its child behind when it is stopped


class Shop(NamedTuple):
    """The folder of the application, and its address."""

    folder: Path
    url: str


def commands(name: str, replaced: Mapping[str, str]) -> str:
    """Return the commands of a section, with these parts replaced."""
    found = section(name).strip().removeprefix("```bash\n").removesuffix("```")
    for written, done in replaced.items():
        assert written in found
        found = found.replace(written, done)
    return found


def run(text: str, folder: Path) -> None:
    done = subprocess.run(
        ["sh", "-ec", text],
        cwd=folder,
        env=os.environ | QUIET,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def issuer(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provider]:
    """Run a service of its own: other tests register a client of the same name."""
    with provider(sqlite_template, tmp_path_factory.mktemp("provider")) as found:
        yield found


@pytest.fixture(scope="module")
def shop(issuer: Provider, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """Return the application after the steps of the guide. npm needs its registry."""
    folder = installed(tmp_path_factory.mktemp("nextjs"), Path(__file__).parent / "nextjs")
    run(commands("nextjs-make", COMMANDS), folder)
    made = folder / "next-shop"
    url = f"http://localhost:{free_port()}"
    add, snippet = re.findall(r"^flask --app app auth (.+)$", section("nextjs-register"), re.MULTILINE)
    secret = issuer.command(*add.replace("http://localhost:3000", url).split())["secret"]
    words, _, file = snippet.partition(" > ../next-shop/")
    (made / file).write_text(issuer.said(*words.split()))
    run(commands("nextjs-settings", {"auth_cs_...": secret}), made)
    for path, text in files_of("nextjs-files").items():
        (made / path).parent.mkdir(parents=True, exist_ok=True)
        (made / path).write_text(text)
    return Shop(made, url)


@contextmanager
def serving(shop: Shop, *words: str) -> Iterator[str]:
    """Run Next.js; yield the address of the application."""
    port = shop.url.rpartition(":")[2]
    with running_client([executable("node"), NEXT, *words, "--port", port], shop.url, shop.folder, QUIET):
        yield shop.url


def changed_in(file: Path, old: str, new: str) -> str:
    """Return the text of a file with one part replaced."""
    return changed(file.read_text(), {old: new})


@pytest.fixture(scope="module")
def checking(shop: Shop, issuer: Provider) -> Iterator[str]:
    """Run the built application, whose sessions are checked at each request; yield its address.

    It has the components of a cache, as `create-next-app` makes them by default.
    """
    asks = section("nextjs-check").strip().removeprefix("```ts\n").removesuffix("```")
    cached = section("nextjs-cached").strip().removeprefix("```tsx\n").removesuffix("```")
    folder = shop.folder.with_name("checking")
    shutil.copytree(shop.folder, folder)
    written = (folder / "auth.ts").read_text()
    found = re.findall(r"^    jwt: .*\n", written, flags=re.MULTILINE)
    checks = changed(written, {found[0]: asks})
    (folder / "auth.ts").write_text(checks.replace("http://localhost:8000", issuer.url))
    config, page = folder / "next.config.ts", folder / "app/page.tsx"
    config.write_text(changed_in(config, "/* config options here */", "cacheComponents: true,"))
    page.write_text(changed_in(page, "export default", f"{cached}export default"))
    page.write_text(changed_in(page, "Page() {\n", "Page() {\n  await connection();\n"))
    run(f"node {NEXT} build", folder)  # it checks the types
    with serving(Shop(folder, shop.url), "start") as url:
        yield url


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that fails as `screen` does, except for what Next.js and React write in development."""
    found: list[str] = []
    context = browser.new_context()
    yield opened(context, found)
    context.close()
    own = re.compile(r"^\[HMR\]|^\[Fast Refresh\]|Download the React DevTools")
    assert not [each for each in faults(found) if not own.search(each)]


def test_application_logs_in_with_a_second_factor_and_logs_out(
    shop: Shop, issuer: Provider, person: Person, page: Page
) -> None:
    phone = phone_of(issuer.server, person.address)
    with serving(shop, "dev") as url:
        page.goto(url)
        fill_login(page, person.address)
        submit(page, "Log In")
        page.locator("#code").wait_for()  # before a code is made, which lives for seconds
        page.locator("#code").fill(phone.code())
        page.keyboard.press("Enter")
        page.wait_for_url(f"{url}/")
        out = page.get_by_role("button", name=f"Log out {person.address}")
        expect(out).to_be_visible()
        page.context.clear_cookies(name="authjs.session-token")
        page.goto(url)  # the session at the service goes on: nothing is asked
        expect(out).to_be_visible()
        out.click()
        heading(page, "Log In")
        assert page.url.startswith(f"{issuer.url}/")
        page.goto(url)
        heading(page, "Log In")


def test_application_that_checks_sessions_asks_for_a_login_after_sessions_were_ended(
    checking: str, issuer: Provider, person: Person, page: Page
) -> None:
    page.goto(checking)
    fill_login(page, person.address)
    submit(page, "Log In")
    page.wait_for_url(f"{checking}/")
    out = page.get_by_role("button", name=f"Log out {person.address}")
    page.reload()
    expect(out).to_be_visible()
    issuer.said("end-sessions", person.address)
    page.goto(checking)
    heading(page, "Log In")
    fill_login(page, person.address)
    submit(page, "Log In")
    out.click()
    heading(page, "Log In")


@pytest.fixture
def asking(checking: str, issuer: Provider) -> Iterator[str]:
    """Ask for consent for the test; yield the address of the application."""
    issuer.command("clients", "set", "shop", "--no-trusted")
    yield checking
    issuer.command("clients", "set", "shop", "--trusted")


def test_denied_login_returns_to_the_application(asking: str, person: Person, page: Page) -> None:
    page.goto(asking)
    fill_login(page, person.address)
    submit(page, "Log In")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{asking}/api/auth/signin?error=OAuthCallbackError*")
    page.goto(asking)
    allow(page)
    expect(page.get_by_role("button", name=f"Log out {person.address}")).to_be_visible()

"""The guide of plain pages, followed to the letter, in Chromium."""

import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.documents import example, files_of, section
from tests.support.haproxy import changed
from tests.support.phone import phone_of
from tests.support.programs import executable
from tests.support.project import ROOT
from tests.support.provider import running_client
from tests.support.proxies import running_nginx
from tests.support.screen_steps import fill_login, heading, submit
from tests.support.screens import faults, opened, running
from tests.support.server import free_port
from tests.support.service import PASSWORD

pytestmark = pytest.mark.slow


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return the folder of the pages after the commands of the guide."""
    (tmp_path / "auth-service").symlink_to(ROOT)
    subprocess.run(["sh", "-ec", example("plain-client", {}, "plain-pages")], cwd=tmp_path, check=True)
    return tmp_path / "plain-shop"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Return a page that fails as `screen` does."""
    found: list[str] = []
    context = browser.new_context()
    yield opened(context, found)
    context.close()
    assert not faults(found)


def save(name: str, shop: Path, ports: Mapping[str, int]) -> None:
    """Save the files of a section, with only the ports replaced."""
    for path, text in files_of(name).items():
        (shop / path).write_text(re.sub(r"(?<=localhost:)(\d+)", lambda port: str(ports[port[1]]), text))


@contextmanager
def by_caddy(shop: Path, ports: Mapping[str, int], added: str = "") -> Iterator[str]:
    save("plain-proxy", shop, ports)
    (shop / "Caddyfile").write_text((shop / "Caddyfile").read_text() + added)
    url = f"http://localhost:{ports['5173']}"
    own = {"HOME": str(shop), "CADDY_ADMIN": f"localhost:{free_port()}"}  # 2019 unless the variable is set
    with running_client([executable("caddy"), "run"], url, shop, own):
        yield url


@contextmanager
def by_nginx(shop: Path, ports: Mapping[str, int]) -> Iterator[str]:
    save("plain-proxy", shop, ports)
    location = changed(
        section("plain-nginx").strip().removeprefix("```nginx").removesuffix("```"),
        {"127.0.0.1:8000": f"127.0.0.1:{ports['8000']}"},
    )
    port = ports["5173"]
    kinds = "types { text/html html; text/javascript js; }"
    with running_nginx(shop.parent, f"{kinds} server {{ listen 127.0.0.1:{port}; root {shop}; {location} }}"):
        yield f"http://localhost:{port}"


@pytest.mark.parametrize("proxy", [by_caddy, by_nginx])
def test_pages_behind_a_proxy_lead_to_the_screens_of_the_service(
    proxy: Callable[[Path, Mapping[str, int]], AbstractContextManager[str]],
    shop: Path,
    page: Page,
    sqlite_template: Path,
    tmp_path: Path,
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    with running(sqlite_template, tmp_path, PUBLIC_URL=origin) as site:
        assert f"Screens: {origin}/\n" in site.server.log.read_text()
        address = site.registered()
        phone = phone_of(site.server, address)
        with proxy(shop, {"8000": site.server.port, "5173": port}):
            link = site.link(address, "/verify-email")
            assert link.startswith(f"{origin}/verify-email#token=")
            page.goto(link)
            heading(page, "Confirm Your Email")
            page.goto(origin)
            page.get_by_role("link", name="Log in").click()
            fill_login(page, address)
            submit(page, "Log In")
            page.wait_for_url(f"{origin}/two-factor**")
            page.locator("#code").fill(phone.code())
            page.keyboard.press("Enter")
            page.wait_for_url(f"{origin}/")
            out = page.get_by_role("button", name=re.compile("Log out person"))
            expect(out).to_be_visible()
            page.reload()
            out.click()
            expect(page.get_by_role("link", name="Log in")).to_be_visible()
            expect(out).to_be_hidden()


class Orders(BaseHTTPRequestHandler):
    """The reader's own API: answers the path and the token that it got."""

    def do_GET(self) -> None:
        body = f"{self.path} {self.headers['Authorization']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_own_api_gets_the_path_without_the_prefix_and_the_token(shop: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Orders) as server:
        Thread(target=server.serve_forever).start()
        added = example("plain-api", {9000: server.server_port}, "plain-pages")
        with by_caddy(shop, {"8000": 9, "5173": free_port()}, added) as url:
            call = Request(f"{url}/api/orders", headers={"Authorization": "Bearer a.b.c"})
            with urlopen(call) as answer:
                assert answer.read() == b"/orders Bearer a.b.c"
        server.shutdown()


def test_page_on_another_origin_logs_in_with_a_second_factor(
    shop: Path, page: Page, sqlite_template: Path, tmp_path: Path
) -> None:
    port = free_port()
    origin = f"http://localhost:{port}"
    with running(sqlite_template, tmp_path, CORS_ORIGINS=origin) as site:
        save("plain-elsewhere", shop, {"8000": site.server.port})
        address = site.registered(confirmed=True)
        assert site.link(address, "/verify-email").startswith(site.url)
        phone = phone_of(site.server, address)
        written = "python3 -m http.server 5173 --directory plain-shop"
        assert f"\n{written}\n" in (ROOT / "docs/guides/plain-pages.md").read_text()
        command = [sys.executable, *written.replace("5173", str(port)).split()[1:]]
        with running_client(command, origin, tmp_path):
            page.goto(origin)
            log_in(page, address, "not the password")
            expect(page.get_by_role("status")).to_have_text("Invalid credentials")
            log_in(page, address, PASSWORD)
            code = page.get_by_label("Code")
            code.fill("000000")
            submit(page, "Continue")
            expect(page.get_by_role("status")).to_contain_text("This code is not right")
            code.fill(phone.code())
            submit(page, "Continue")
            expect(page.get_by_role("status")).to_contain_text("person")
            expect(page.locator("[name=password]")).to_have_value("")
            submit(page, "Log out")
            expect(page.get_by_role("button", name="Log in")).to_be_visible()


def log_in(page: Page, address: str, password: str) -> None:
    page.get_by_label("Email").fill(address)
    page.get_by_label("Password").fill(password)
    submit(page, "Log in")

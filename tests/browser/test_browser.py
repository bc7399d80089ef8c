"""Cross-origin frontends and the API page, in a real browser."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.screens import REPORT_VIOLATIONS
from tests.support.server import ROOT, Server, serving
from tests.support.service import PASSWORD

pytestmark = pytest.mark.slow

FRONTEND = ROOT / "tests" / "browser"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page(viewport={"width": 1280, "height": 1600})
    yield page
    page.close()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log nothing."""


@contextmanager
def frontend() -> Iterator[str]:
    """Serve the frontend on its own port; yield its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(FRONTEND))) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://localhost:{server.server_port}"
        server.shutdown()


def press(page: Page, button: str) -> dict[str, Any]:
    """Press a button of the frontend; return what it received from the service."""
    page.locator(f"button[name={button}]").click()
    answer = page.locator("#answer")
    expect(answer).not_to_be_empty()
    done: dict[str, Any] = json.loads(answer.inner_text())
    return done


def open_frontend(page: Page, origin: str, server: Server, name: str = "ada") -> None:
    page.goto(f"{origin}/?api={server.url}")
    page.fill("input[name=username]", name)
    page.fill("input[name=password]", PASSWORD)


def test_listed_origin_can_register_log_in_refresh_and_log_out(
    database_uri: str, tmp_path: Path, page: Page
) -> None:
    with frontend() as origin, serving(database_uri, tmp_path, CORS_ORIGINS=origin) as server:
        open_frontend(page, origin, server)
        assert press(page, "register")["status"] == 201
        assert press(page, "register")["answer"]["code"] == "username_taken"  # a refusal can be read too
        first = press(page, "login")
        assert first["status"] == 200
        assert {"ratelimit", "ratelimit-policy", "x-request-id"} <= first["headers"].keys()
        assert press(page, "me")["answer"]["user"]["username"] == "ada"
        second = press(page, "refresh")
        assert second["status"] == 200
        assert second["answer"]["refresh_token"] != first["answer"]["refresh_token"]
        assert press(page, "me")["status"] == 200
        assert press(page, "logout")["status"] == 204
        assert press(page, "me")["answer"]["code"] == "token_invalid"
        assert press(page, "refresh")["answer"]["code"] == "refresh_token_invalid"
        assert page.context.cookies() == []


def test_unlisted_origin_is_blocked_by_the_browser(database_uri: str, tmp_path: Path, page: Page) -> None:
    with (
        frontend() as listed,
        frontend() as other,
        serving(database_uri, tmp_path, CORS_ORIGINS=listed) as server,
    ):
        open_frontend(page, other, server)
        for button in ("register", "login", "me", "refresh", "logout"):
            assert press(page, button) == {"failed": "TypeError"}, button
        open_frontend(page, listed, server)
        assert press(page, "register")["status"] == 201  # the call of the other origin was not sent


def test_listed_origin_cannot_read_responses_with_cookies(
    sqlite_template: Path, tmp_path: Path, page: Page
) -> None:
    with (
        frontend() as origin,
        serving(_copy(sqlite_template, tmp_path), tmp_path, CORS_ORIGINS=origin) as server,
    ):
        open_frontend(page, origin, server)
        ask = """(url) => fetch(url, {credentials: "include"}).then(() => "read", (e) => e.name)"""
        assert page.evaluate(ask, f"{server.url}/auth/me") == "TypeError"
        assert page.evaluate(ask.replace("include", "omit"), f"{server.url}/auth/me") == "read"


@pytest.mark.nightly
def test_api_page_logs_in_and_keeps_the_token(sqlite_template: Path, tmp_path: Path, page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(REPORT_VIOLATIONS)
    with serving(_copy(sqlite_template, tmp_path), tmp_path) as server:
        ada = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
        assert server.call("POST", "/auth/register", ada)[0] == 201
        page.goto(f"{server.url}/docs")
        expect(page.locator("#state")).to_contain_text("Not signed in")
        try_out(page, "auth_login", 200, json.dumps({"username": "ada", "password": PASSWORD}))
        expect(page.locator("#state")).to_contain_text("Signed in")
        try_out(page, "auth_me", 200)
        expect(page.locator("[id$=-auth_me] .live-responses-table")).to_contain_text("ada@example.com")
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/docs.png", full_page=True)
        try_out(page, "auth_logout", 204, "{}")
        expect(page.locator("#state")).to_contain_text("Not signed in")
        assert complaints == []
        try_out(page, "auth_me", 401)
        assert len(complaints) == 1  # the browser reports the 401, so messages are recorded


def try_out(page: Page, operation: str, status: int, body: str | None = None) -> None:
    """Call an operation on the API page, and expect this status."""
    block = page.locator(f"[id^=operations-][id$=-{operation}]")
    if not block.locator(".execute").count():
        block.locator(".opblock-summary-control").click()
    if body is not None:
        block.locator("textarea.body-param__text").fill(body)
    block.locator(".execute").click()
    expect(block.locator(".live-responses-table .response-col_status").last).to_contain_text(str(status))


def _copy(template: Path, folder: Path) -> str:
    shutil.copy(template, folder / "auth.db")
    return f"sqlite:///{folder}/auth.db"

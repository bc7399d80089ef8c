"""The pages in a real browser: Chromium against the real server with a real database.

A test with the fixture `screen`, a page of a new browser profile, fails on console output, a violation of
the page's content security policy, or a script error. Chromium itself logs a refusal that a test provokes
("Failed to load resource" with a 4xx), which is ignored.
"""

import email
import email.policy
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

from tests.support.server import Server, serving, until
from tests.support.service import PASSWORD

FLAGS = [
    f"--{flag}"
    for flag in (
        "headless no-sandbox disable-gpu disable-quic no-first-run disable-background-networking "
        "disable-component-update disable-sync"
    ).split()
]
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 360, "height": 640}
# Told to the test whenever the page's policy forbids something.
REPORT_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
});
"""
# Keeps what the live regions said, in order: [role, text].
RECORD_ANNOUNCEMENTS = """
addEventListener("DOMContentLoaded", () => {
  window.__said = [];
  for (const region of document.querySelectorAll("[role=alert],[role=status]")) {
    new MutationObserver(() => {
      const text = region.textContent.trim();
      if (text) window.__said.push([region.getAttribute("role"), text]);
    }).observe(region, { childList: true, subtree: true, characterData: true });
  }
});
"""
_numbers = count(1)


@dataclass
class Site:
    """A running service with its pages, and the folder that its mails go to."""

    server: Server
    mails: Path

    @property
    def url(self) -> str:
        return self.server.url

    def registered(self, *, confirmed: bool = False) -> str:
        """Register a new account with the usual password; return its address."""
        address = f"person{next(_numbers)}-{os.getpid()}@example.com"
        body = {"username_from_email": True, "email": address, "password": PASSWORD}
        status, answer = self.server.call("POST", "/auth/register", body)
        assert status == 201, answer
        if confirmed:
            token = self.link(address, "/verify-email").partition("#token=")[2]
            done = self.server.call("POST", "/auth/email/verify", {"token": token, "password": PASSWORD})
            assert done[0] == 200, done
        return address

    def link(self, address: str, page: str) -> str:
        """Return the link to this page in the newest mail to this address, waiting for the mail."""
        found: list[str] = []

        def arrived() -> bool:
            newest_first = sorted(
                self.mails.glob("*.eml"), key=lambda path: path.stat().st_mtime_ns, reverse=True
            )
            for path in newest_first:
                mail = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
                if str(mail["To"]) != address:
                    continue
                part = mail.get_body(("plain",))
                words = str(part.get_content()) if part else ""
                found.extend(re.findall(rf"https?://\S+{re.escape(page)}#token=\S+", words))
                if found:
                    return True
            return False

        until(arrived, f"a mail to {address} with a link to {page}")
        return found[0]


@contextmanager
def launched(path: str) -> Iterator[Browser]:
    """Run this Chromium for the block."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield started
        started.close()


@contextmanager
def running(sqlite_template: Path, folder: Path, **more: str) -> Iterator[Site]:
    """The real server on a database of its own in this folder, with limits off and a cheap hash."""
    shutil.copy(sqlite_template, folder / "auth.db")
    settings = {"RATE_LIMIT_ENABLED": "false", "PASSWORD_HASH_METHOD": "scrypt:256:8:1"} | more
    mails = folder / "mail"
    with serving(f"sqlite:///{folder / 'auth.db'}", folder, MAIL_URL=f"file:{mails}", **settings) as server:
        yield Site(server, mails)


def opened(context: BrowserContext, complaints: list[str]) -> Page:
    """Return a page that records its console output, errors and announcements."""
    page = context.new_page()
    page.on("console", lambda message: complaints.append(message.text) if message.type != "log" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.add_init_script(REPORT_VIOLATIONS)
    page.add_init_script(RECORD_ANNOUNCEMENTS)
    return page


def faults(complaints: list[str]) -> list[str]:
    """Return the recorded messages except Chromium's own about refusals and the cache that logout clears."""
    own = re.compile(
        r"Failed to load resource: the server responded with a status of 4\d\d|net::ERR_"
        r"|^Clear-Site-Data header on '[^']*': Cleared data types: \"cache\"\.$"
    )
    return [complaint for complaint in complaints if not own.search(complaint)]


def log_in(page: Page, address: str, password: str = PASSWORD, *, remember: bool = False) -> None:
    """Log in by the form, and wait for the account page."""
    page.goto("/login")
    page.get_by_label("Email Address").fill(address)
    page.get_by_label("Password", exact=True).fill(password)
    if remember:
        page.get_by_label("Remember me").check()
    page.get_by_role("button", name="Log In").click()
    page.wait_for_url("**/account")


def said(page: Page) -> list[Any]:
    """Return the announcements of the live regions so far, as [role, text]."""
    found: list[Any] = page.evaluate("window.__said")
    return found


def style(page: Page, selector: str, *names: str) -> dict[str, str]:
    """Return the computed style of an element."""
    found: dict[str, str] = page.eval_on_selector(
        selector,
        "(node, names) => Object.fromEntries(names.map((name) => [name, getComputedStyle(node)[name]]))",
        list(names),
    )
    return found

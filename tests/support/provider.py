"""The provider as a process, and a person with an account and a browser: for clients that others wrote."""

import json
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import unescape
from http.cookiejar import CookieJar
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from flask import Flask

from app import create_app
from config import Settings, TestingConfig
from tests.support.authorization_requests import authorization_query, parameters_of
from tests.support.commands import auth
from tests.support.oauth_tokens import CHALLENGE, VERIFIER
from tests.support.server import DEADLINE, Server, environment, serving, until
from tests.support.service import PASSWORD, shut_down

SECRETS = {"FLASK_SECRET_KEY": "f" * 48, "JWT_SECRET_KEY": "j" * 48}
_numbers = count(1)
_TICKET = re.compile(r'data-ticket="([^"]+)" data-query="([^"]*)"')


class Answer(NamedTuple):
    """What a browser shows in the end: the status, the address and the text of the page."""

    status: int
    url: str
    text: str

    def json(self) -> Any:
        assert self.status == 200, self
        return json.loads(self.text)


@dataclass(frozen=True, slots=True)
class Provider:
    """A running service, whose mails are files in `mails`. `commands` is an app for its commands."""

    server: Server
    commands: Flask
    mails: Path

    @property
    def url(self) -> str:
        return self.server.url

    def command(self, *words: str) -> dict[str, Any]:
        """Run `flask auth ... --json` ; return what it prints."""
        done = self.said(*words, "--json")
        found: dict[str, Any] = json.loads(done)
        return found

    def said(self, *words: str) -> str:
        """Run `flask auth ...` ; return its output."""
        done = auth(self.commands, *words)
        assert done.exit_code == 0, done.stderr
        return done.stdout

    def posts(self, path: str, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the JSON answer of a client's call."""
        body = urlencode(form).encode()
        with urllib.request.urlopen(f"{self.url}{path}", body, timeout=DEADLINE) as answer:
            found: dict[str, Any] = json.loads(answer.read() or b"{}")
            return found

    def apply(self, clients: Mapping[str, Mapping[str, Any]]) -> dict[str, str | None]:
        """Register clients by a file; return their secrets."""
        lines: list[str] = []
        for name, parts in clients.items():
            lines += [
                f"[clients.{name}]",
                *(f"{part} = {json.dumps(value)}" for part, value in parts.items()),
            ]
        file = self.mails.parent / "clients.toml"
        file.write_text("\n".join(lines))
        made = self.command("clients", "apply", str(file))["outcomes"]
        return {each["id"]: each["secret"] for each in made}

    def person(self) -> "Person":
        """Register an account with a confirmed address; return its owner, who is logged in."""
        address = f"ada{next(_numbers)}@example.com"
        body = {"username_from_email": True, "email": address, "password": PASSWORD}
        assert self.server.call("POST", "/auth/register", body)[0] == 201
        confirm = {"token": self._mailed_token(address), "password": PASSWORD}
        assert self.server.call("POST", "/auth/email/verify", confirm)[0] == 200
        status, found = self.server.call("POST", "/auth/login", {"username": address, "password": PASSWORD})
        assert status == 200, found
        return Person(self, address, found["access_token"])

    def _mailed_token(self, address: str) -> str:
        found: list[str] = []

        def arrived() -> bool:
            texts = [path.read_text("utf-8").replace("=\n", "") for path in self.mails.glob("*.eml")]
            for text in texts:
                if address in text:
                    found.extend(re.findall(r"/verify-email#token=(?:3D)?(\S+)", text))
            return bool(found)

        until(arrived, f"a mail to {address}")
        return found[0]


@dataclass(slots=True)
class Person:
    """The owner of an account, with a browser that keeps cookies and follows redirects.

    Her answers to the pages of the service are the calls of their scripts.
    """

    provider: Provider
    address: str
    access_token: str
    cookies: CookieJar = field(default_factory=CookieJar)

    def opens(self, url: str, form: bytes | None = None) -> Answer:
        """Return the page at an address, or the one that a form leads to."""
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))
        request = urllib.request.Request(url, form, headers={"Accept": "text/html,*/*;q=0.8"})
        try:
            with opener.open(request, timeout=DEADLINE) as answer:
                return Answer(answer.status, answer.url, answer.read().decode())
        except urllib.error.HTTPError as refused:
            with refused:
                return Answer(refused.code, refused.url or url, refused.read().decode())

    def logs_in(self, url: str) -> Answer:
        """Begin a login at an application, allow it, and return the page of the application after it."""
        return self.opens(self.allows(self.opens(url)))

    def allows(self, page: Answer) -> str:
        """Allow what a page asks, or go back if the service refuses; return where the browser is sent."""
        assert page.url.startswith(f"{self.provider.url}/oauth/authorize?"), page
        found = _TICKET.search(page.text)
        assert found, page
        body = {"ticket": found[1], "query": unescape(found[2])}
        answer = self.answered("/auth/authorizations", body)
        if answer["status"] == "permission_missing":
            return str(answer["redirect_to"])
        if answer["status"] == "consent":
            answer = self.answered("/auth/authorizations/decision", body | {"allow": True})
        assert answer["status"] == "redirect", answer
        return str(answer["redirect_to"])

    def tokens(self, client_id: str, secret: str, redirect_uri: str, **more: str) -> dict[str, Any]:
        """Log in at a confidential client by plain calls; return the answer of the token call."""
        query = authorization_query(
            client_id=client_id, redirect_uri=redirect_uri, code_challenge=CHALLENGE, **more
        )
        sent_to = self.allows(self.opens(f"{self.provider.url}/oauth/authorize?{query}"))
        form = {
            "grant_type": "authorization_code",
            "code": parameters_of(sent_to)["code"],
            "redirect_uri": redirect_uri,
            "code_verifier": VERIFIER,
            "client_id": client_id,
            "client_secret": secret,
        }
        return self.provider.posts("/oauth/token", form)

    def answered(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Return what the service answers to a call of one of its pages."""
        status, answer = self.provider.server.call("POST", path, body, self.access_token)
        assert status == 200, answer
        return answer


@contextmanager
def provider(sqlite_template: Path, folder: Path, **more: str) -> Iterator[Provider]:
    """Run the service on a database of its own in this folder, with limits off and a cheap hash."""
    uri, mails = f"sqlite:///{folder / 'auth.db'}", folder / "mail"
    shutil.copy(sqlite_template, folder / "auth.db")
    settings = {"RATE_LIMIT_ENABLED": "false", "PASSWORD_HASH_METHOD": "scrypt:256:8:1"} | SECRETS | more
    with serving(uri, folder, MAIL_URL=f"file:{mails}", **settings) as server:
        # The commands run in the process of the tests: the start of `flask` takes seconds.
        commands = create_app(
            settings=Settings.load(TestingConfig, {"DATABASE_URI": uri, "PUBLIC_URL": server.url})
        )
        try:
            yield Provider(server, commands, mails)
        finally:
            shut_down(commands)


@contextmanager
def running_client(
    words: Sequence[str], url: str, folder: Path, environ: Mapping[str, str] | None = None
) -> Iterator[Path]:
    """Run an application until the block ends; it is ready when it answers at `url`. Yields its log."""
    base = environment("unused", 0)
    kept = {name: base[name] for name in ("PATH", "HOME", "LANG") if name in base}
    log = folder / "client.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*words],
            cwd=folder,
            env=kept | dict(environ or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        until(lambda: process.poll() is not None or _answers(url), f"an answer of {url}")
        assert process.poll() is None, log.read_text()
        yield log
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(DEADLINE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=DEADLINE):
            return True
    except urllib.error.HTTPError as refused:
        refused.close()
        return True
    except OSError:
        return False

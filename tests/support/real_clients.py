"""Clients that nobody here wrote, at the real server: their registration, the person, and Node programs."""

import json
import re
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask

from tests.support.authorization_requests import BROWSES
from tests.support.commands import asked
from tests.support.programs import executable
from tests.support.screens import Site
from tests.support.server import DEADLINE
from tests.support.service import PASSWORD


@dataclass(frozen=True, slots=True)
class Provider:
    """The service as a process, and an app on the same database for the commands of operators."""

    site: Site
    app: Flask

    @property
    def issuer(self) -> str:
        return self.site.url

    def add(self, name: str, *options: str) -> dict[str, Any]:
        """Register a client by `clients add`; return `id` and `secret`."""
        found: dict[str, Any] = asked(self.app, "clients", "add", name, *options)
        return found

    def set(self, name: str, *options: str) -> None:
        """Change a client by `clients set`."""
        asked(self.app, "clients", "set", name, *options)

    def explained(self, name: str) -> str:
        """Return what `explain-client` says."""
        said = self.app.test_cli_runner().invoke(args=["auth", "explain-client", name])
        assert said.exit_code == 0, said.output
        return str(said.stdout)


class Person:
    """A person with a confirmed address, whose browser makes the calls of the pages."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.address = site.registered(confirmed=True)
        self.access = ""
        self.log_in()

    def log_in(self) -> None:
        """Begin a session."""
        body = {"email": self.address, "password": PASSWORD}
        self.access = str(self._called("/auth/login", body)["access_token"])

    def opens(self, url: str, *, allow: bool = True) -> str | None:
        """Open an address of `/oauth/authorize` and decide; return where the browser is sent, if anywhere."""
        assert url.startswith(f"{self.site.url}/oauth/authorize?"), url
        status, location, page = browsed(url)
        if status != 200:
            return location
        found = re.search(r'data-ticket="([^"]+)" data-query="([^"]*)"', page)
        assert found, page
        body: dict[str, Any] = {"query": unescape(found[2]), "ticket": found[1]}
        answer = self._called("/auth/authorizations", body)
        if answer["status"] == "consent":
            answer = self._called("/auth/authorizations/decision", body | {"allow": allow})
        assert answer["status"] == "redirect", answer
        return str(answer["redirect_to"])

    def logs_out(self, url: str) -> dict[str, Any]:
        """Open an address of `/oauth/logout`; return what its page does."""
        assert url.startswith(f"{self.site.url}/oauth/logout?"), url
        assert browsed(url)[0] == 200
        return self._called("/auth/authorizations/logout", {"query": urlsplit(url).query})

    def _called(self, path: str, body: Any) -> dict[str, Any]:
        status, answer = self.site.server.call("POST", path, body, token=self.access or None)
        assert status == 200, answer
        return answer


class _Stays(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Follow no redirect."""


def browsed(url: str) -> tuple[int, str | None, str]:
    """Return status, `Location` and text of a page, as a browser asks for it."""
    opener = urllib.request.build_opener(_Stays)
    try:
        with opener.open(urllib.request.Request(url, headers=BROWSES), timeout=DEADLINE) as answer:
            return answer.status, None, answer.read().decode()
    except urllib.error.HTTPError as other:
        with other:
            return other.code, other.headers["Location"], other.read().decode()


class ClientError(Exception):
    """The client refused, or was refused: `told` has the message, code, error and status."""

    def __init__(self, told: dict[str, Any]) -> None:
        super().__init__(json.dumps(told))
        self.told = told


class Node:
    """A Node program of `steps.mjs`, whose steps are called by name."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def __call__(self, step: str, **argument: Any) -> Any:
        """Run a step and return its value. Raises `ClientError`."""
        assert self._process.stdin
        assert self._process.stdout
        print(json.dumps([step, argument]), file=self._process.stdin, flush=True)
        answer = json.loads(self._process.stdout.readline())
        if "error" in answer:
            raise ClientError(answer["error"])
        return answer["value"]


@contextmanager
def node_program(packages: Path, name: str) -> Iterator[Node]:
    """Run a program that has steps for the block. Nothing may be written to its standard error."""
    log = packages / f"{name}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [executable("node"), name],
            cwd=packages,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    with process:
        try:
            yield Node(process)
        finally:
            process.kill()
    assert log.read_text() == ""

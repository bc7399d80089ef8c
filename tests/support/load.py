"""A load of real calls from several threads, and a record of everything the service acknowledged."""

import http.client
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Any

import jwt

from tests.support.server import Server
from tests.support.service import PASSWORD

ANOTHER = "another good password"
CALLERS = 6
Tokens = dict[str, Any]

# Settings of a server under load: limits are not what is asked, and a hash must not be the whole of it.
UNDER_LOAD = {
    "RATE_LIMIT_ENABLED": "false",
    "PASSWORD_HASH_METHOD": "scrypt:256:8:1",
    "HASH_CONCURRENCY": "16",
}


class NoAnswer(Exception):
    """The connection broke; the outcome is unknown."""


class Unexpected(Exception):
    """A response other than the usual one."""


@dataclass
class Load:
    """Repeated account journeys: sign up, log in, log out, end another session, reset a password.

    A call without a response ends its journey, and its subject is in none of these records.
    """

    server: Server
    links: SimpleQueue[tuple[str, str]] = field(default_factory=SimpleQueue)  # a name, and a link to reset it
    passwords: dict[str, str] = field(default_factory=dict)
    living: list[Tokens] = field(default_factory=list)
    ended: list[Tokens] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)
    cut: int = 0
    unexpected: list[tuple[str, int, Any]] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)
    _names: "count[int]" = field(default_factory=count)

    def acknowledged(self) -> int:
        return self.done.total()

    def call(self, expected: int, method: str, path: str, body: Any = None, token: str | None = None) -> Any:
        try:
            status, answer = self.server.call(method, path, body, token)
        except (OSError, http.client.HTTPException) as broken:
            with self._lock:
                self.cut += 1
            raise NoAnswer from broken
        with self._lock:
            if status != expected:
                self.unexpected.append((path, status, answer.get("code")))
                raise Unexpected(path)
            self.done[path.split("/")[2] if method == "DELETE" else path] += 1
        return answer

    def login(self, name: str) -> Tokens:
        body = {"username": name, "password": self.passwords[name]}
        tokens: Tokens = self.call(200, "POST", "/auth/login", body)
        return tokens

    def one_journey(self) -> None:
        name = f"user{next(self._names)}"
        body = {"username": name, "email": f"{name}@example.com", "password": PASSWORD}
        self.call(201, "POST", "/auth/register", body)
        self.passwords[name] = PASSWORD
        first, second, third = (self.login(name) for _ in range(3))
        self.living.append(first)
        self.call(204, "POST", "/auth/logout", {}, second["access_token"])
        self.ended.append(second)
        session = jwt.decode(third["access_token"], options={"verify_signature": False})["sid"]
        self.call(204, "DELETE", f"/auth/sessions/{session}", token=first["access_token"])
        self.ended.append(third)

    def one_reset(self) -> None:
        try:
            name, link = self.links.get_nowait()
        except Empty:
            return
        del self.passwords[name]  # neither is certain until there is an answer
        self.call(200, "POST", "/auth/password/reset", {"token": link, "password": ANOTHER})
        self.passwords[name] = ANOTHER

    def go_on(self, stopped: Event) -> None:
        while not stopped.is_set():
            for step in (self.one_reset, self.one_journey):
                with suppress(NoAnswer, Unexpected):
                    step()

    def lost(self, server: Server) -> list[str]:
        """Return what was acknowledged and is missing on this server."""
        calls: list[tuple[int, str, str, Any, str | None]] = []
        for name, password in self.passwords.items():
            calls.append((200, "POST", "/auth/login", {"username": name, "password": password}, None))
        calls += [(200, "GET", "/auth/me", None, tokens["access_token"]) for tokens in self.living]
        for tokens in self.ended:
            calls.append((401, "GET", "/auth/me", None, tokens["access_token"]))
            body = {"refresh_token": tokens["refresh_token"]}
            calls.append((401, "POST", "/auth/refresh", body, None))

        def fault(call: tuple[int, str, str, Any, str | None]) -> str | None:
            expected, method, path, body, token = call
            status, answer = server.call(method, path, body, token)
            return None if status == expected else f"{path} {body}: {status} {answer.get('code')}"

        with ThreadPoolExecutor(CALLERS) as pool:
            return [found for found in pool.map(fault, calls) if found]


@contextmanager
def loading(server: Server) -> Iterator[Load]:
    """Run the load for the block. Afterwards no call is in flight."""
    load, stopped = Load(server), Event()
    with ThreadPoolExecutor(CALLERS) as pool:
        callers = [pool.submit(load.go_on, stopped) for _ in range(CALLERS)]
        try:
            yield load
        finally:
            stopped.set()
    for caller in callers:
        caller.result()

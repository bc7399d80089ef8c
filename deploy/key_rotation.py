"""A check of `make cluster`: signing keys are rotated under load of clients, and no token is refused.

The keys are rotated by `rotate-keys` on one machine. The new ones sign a day later: the clocks of all
machines are set forward to shortly before, and the load goes on while one machine after the other changes its
key.
"""

import base64
import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from itertools import count
from threading import Event, Lock
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from jwt.types import Options

from deploy.machines import Machine, Proxy, exchange, expect, until

REDIRECT = "https://shop.example.com/callback"
VERIFIER = "of-a-client-of-the-cluster-that-logs-people-in"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PASSWORD = "correct horse battery"
LEAD = 50  # seconds before the first machine changes its key: the machines start again in this time
AFTER = 5  # seconds of load after the last one has changed it
WARM_UP = 10  # calls of each kind


@dataclass(frozen=True)
class Shop:
    """A client, and a person who logs in to it."""

    credentials: Mapping[str, str]
    person: str


@dataclass
class Load:
    """Calls through the proxy, each from an address of its own, so that no rate limit applies.

    `published` are the public keys as a client keeps them: fetched once, and not again for an unknown one.
    """

    url: str
    seen: Counter[tuple[str, object]] = field(default_factory=Counter)
    kids: set[str] = field(default_factory=set)
    published: dict[str, jwt.PyJWK] = field(default_factory=dict)
    refused: str = ""  # the first refusal
    began: float = field(default_factory=time.monotonic)
    _numbers: Iterator[int] = field(default_factory=count)
    _lock: Lock = field(default_factory=Lock)

    def called(self, what: str, method: str, path: str, body: bytes | None = None, **headers: str) -> bytes:
        """Return the body of a response, whose status is counted."""
        with self._lock:
            number = next(self._numbers)
        source = f"127.1.{1 + number // 250 % 250}.{1 + number % 250}"
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        status, answer = exchange(self.url, method, path, body, named, source)
        self.count(what, status)
        if status != 200:
            self.refused = (
                self.refused or f"{what} after {time.monotonic() - self.began:.1f} s: {answer[:300]!r}"
            )
        return answer if status == 200 else b"{}"

    def count(self, what: str, outcome: object) -> None:
        with self._lock:
            self.seen[what, outcome] += 1

    def logged_in(self, name: str) -> str:
        """Return the access token of a new session of the service itself."""
        body = json.dumps({"username": name, "password": PASSWORD}).encode()
        answer = self.called("login", "POST", "/auth/login", body, Content_Type="application/json")
        return str(json.loads(answer).get("access_token"))

    def fetch_keys(self) -> None:
        keys = json.loads(self.called("keys", "GET", "/oauth/jwks"))["keys"]
        self.published = {key["kid"]: jwt.PyJWK(key) for key in keys}

    def code(self, shop: Shop, access: str) -> str:
        """Return the code of an authorization request, as the person's browser gets it."""
        query = urlencode(
            {
                "client_id": shop.credentials["client_id"],
                "redirect_uri": REDIRECT,
                "response_type": "code",
                "scope": "openid offline_access",
                "code_challenge": CHALLENGE,
                "code_challenge_method": "S256",
            }
        )
        page = self.called("authorize", "GET", f"/oauth/authorize?{query}", Accept="text/html")
        found = re.search(r'data-ticket="([^"]+)"', page.decode())
        body = json.dumps({"ticket": unescape(found[1]) if found else "", "query": query}).encode()
        answer = self.called(
            *("authorization", "POST", "/auth/authorizations", body),
            Content_Type="application/json",
            Authorization=f"Bearer {access}",
        )
        sent_to = str(json.loads(answer).get("redirect_to", ""))
        return parse_qs(urlsplit(sent_to).query).get("code", [""])[0]

    def tokens(self, what: str, shop: Shop, **form: str) -> dict[str, Any]:
        """Return the tokens of a call, each of which was verified by the client and shown to userinfo."""
        body = urlencode({**shop.credentials, **form}).encode()
        kind = "application/x-www-form-urlencoded"
        found: dict[str, Any] = json.loads(self.called(what, "POST", "/oauth/token", body, Content_Type=kind))
        for name in ("access_token", "id_token"):
            self.count("verification", self._verified(found.get(name, "")))
        access = f"Bearer {found.get('access_token')}"
        self.called("userinfo", "GET", "/oauth/userinfo", Authorization=access)
        return found

    def _verified(self, token: str) -> object:
        """Return 200 if a kept key has signed this token, or the fault."""
        # The clocks are ahead.
        times: Options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
        try:
            kid = jwt.get_unverified_header(token)["kid"]
            key = self.published[kid]
            jwt.decode(token, key, algorithms=[str(key.algorithm_name)], options=times)
        except (jwt.InvalidTokenError, KeyError) as fault:
            return type(fault).__name__
        with self._lock:
            self.kids.add(kid)
        return 200


@contextmanager
def working(load: Load, shops: Sequence[Shop], refresh_tokens: dict[str, str]) -> Iterator[None]:
    """Log in and refresh without a pause for the block. `refresh_tokens`, by person, are kept up to date."""
    stop = Event()

    def log_in(shop: Shop, access: str) -> None:
        while not stop.is_set():
            code = load.code(shop, access)
            load.tokens("code", shop, grant_type="authorization_code", code=code, redirect_uri=REDIRECT,
                        code_verifier=VERIFIER)  # fmt: skip
            stop.wait(0.5)

    def refresh(shop: Shop) -> None:
        while not stop.is_set():
            given = refresh_tokens[shop.person]
            found = load.tokens("refresh", shop, grant_type="refresh_token", refresh_token=given)
            refresh_tokens[shop.person] = found.get("refresh_token", given)
            stop.wait(0.1)

    sessions = [load.logged_in(shop.person) for shop in shops]
    with ThreadPoolExecutor(2 * len(shops)) as pool:
        running = [pool.submit(log_in, *each) for each in zip(shops, sessions, strict=True)]
        running += [pool.submit(refresh, shop) for shop in shops]
        try:
            yield
        finally:
            stop.set()
        for each in running:
            each.result()


def rotate(machine: Machine) -> Sequence[Mapping[str, Any]]:
    """Publish the next key of each algorithm; return what will sign."""
    planned: Sequence[Mapping[str, Any]] = machine.command("rotate-keys")
    return planned


def check(machines: Sequence[Machine], proxy: Proxy, people: Sequence[str]) -> str:
    """Return what was done. Raises `AssertionError` if a call or a token was refused."""
    load = Load(proxy.url)
    shops = [_registered(machines[0], *each) for each in zip(people, ("RS256", "ES256"), strict=True)]
    load.fetch_keys()
    former = {*load.published}
    refresh_tokens = {shop.person: _first_refresh_token(load, shop) for shop in shops}
    with working(load, shops, refresh_tokens):
        planned = rotate(machines[1])
        until(lambda: _went_on(load), "calls after the rotation")
    expect(load.kids, former)
    began = _go_to(machines, proxy, min(each["signs_from"] for each in planned))
    load.fetch_keys()
    with working(load, shops, refresh_tokens):
        until(lambda: time.monotonic() - began > LEAD + AFTER, "the change of the keys")
    _expect_nothing_refused(load)
    expect(load.kids, former | {each["kid"] for each in planned})
    told = ", ".join(f"{number} {what}" for (what, _), number in sorted(load.seen.items(), key=str))
    return f"RS256 and ES256 rotated on three machines; {told}: none refused"


def _expect_nothing_refused(load: Load) -> None:
    refused = {each: number for each, number in load.seen.items() if each[1] != 200}
    expect((refused, load.refused), ({}, ""))


def _registered(machine: Machine, person: str, alg: str) -> Shop:
    words = ["clients", "add", f"Shop {alg}", "--redirect", REDIRECT, "--trusted", "--id-token-alg", alg]
    added = machine.command(*words)
    return Shop({"client_id": added["id"], "client_secret": added["secret"]}, person)


def _first_refresh_token(load: Load, shop: Shop) -> str:
    code = load.code(shop, load.logged_in(shop.person))
    form = {"grant_type": "authorization_code", "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    return str(load.tokens("code", shop, code=code, **form)["refresh_token"])


def _went_on(load: Load) -> bool:
    return all(load.seen[what, 200] > WARM_UP for what in ("code", "refresh", "userinfo"))


def _go_to(machines: Sequence[Machine], proxy: Proxy, moment: str) -> float:
    """Start all machines again, `LEAD` seconds before this moment by the slowest clock; return when."""
    began, now = time.monotonic(), time.time()
    ahead = int(datetime.fromisoformat(moment).timestamp() - now - LEAD)

    def start_again(machine: Machine) -> None:
        machine.stop()
        machine.clock_off += ahead
        machine.start()
        proxy.enable(machine)

    with ThreadPoolExecutor(len(machines)) as pool:
        list(pool.map(start_again, machines))
    return began

"""Timing side channels: whether response times reveal who has an account. Random order, over HTTP."""

import http.client
import itertools
import json
import random
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from sqlalchemy import create_engine, text

from bench.servers import ROOT, running
from config import DevelopmentConfig, Settings

Times = dict[str, list[float]]
Body = dict[str, str]
Call = Callable[[], tuple[str, Body]]
PASSWORD = "correct horse battery"
CHEAP = "scrypt:256:8:1"
SECRETS = {"FLASK_SECRET_KEY": "x" * 40, "JWT_SECRET_KEY": "y" * 40}  # only needed to load the settings
MEMBERS = 150  # per kind, so that no member reaches a limit on mails
WARM = 20  # warm-up rounds
SHUFFLES = 2000


def permutation_p(one: Sequence[float], other: Sequence[float], shuffles: int = SHUFFLES) -> float:
    """Return the p-value of a permutation test of the rank sums (a small p means a difference).

    Uses ranks, since single slow responses would dominate a mean.
    """
    values = [*one, *other]
    order = sorted(range(len(values)), key=values.__getitem__)
    ranks = [0] * len(values)
    for rank, place in enumerate(order):
        ranks[place] = rank
    middle = (len(values) - 1) / 2 * len(one)
    seen = abs(sum(ranks[: len(one)]) - middle)
    chance = random.Random(1)
    beyond = sum(abs(sum(chance.sample(ranks, len(one))) - middle) >= seen for _ in range(shuffles))
    return (beyond + 1) / (shuffles + 1)


def interleaved(url: str, calls: dict[str, Call], rounds: int) -> Times:
    """Return the seconds of each call. Each round makes every call once, in random order."""
    parts, chance, found = urlsplit(url), random.Random(2), {name: list[float]() for name in calls}
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    for _ in range(rounds):
        for name in chance.sample([*calls], len(calls)):
            path, body = calls[name]()
            sent = json.dumps(body)
            began = time.perf_counter()
            connection.request("POST", path, sent, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
            found[name].append(time.perf_counter() - began)
            if answer.status >= 429:
                raise RuntimeError(f"{name}: {answer.status}")
    return found


def questions(number: Callable[[], int]) -> dict[str, dict[str, Call]]:
    """Return the calls whose times must not differ, by route. The first of each is the reference."""

    def forgot(email: str) -> tuple[str, Body]:
        return "/auth/password/forgot", {"email": email}

    def login(name: str, password: str = PASSWORD) -> tuple[str, Body]:
        return "/auth/login", {"username": name, "password": password}

    def registered(email: str) -> tuple[str, Body]:
        return "/auth/register", {"username": f"name-{number()}", "email": email, "password": PASSWORD}

    return {
        "forgot": {
            "unknown": lambda: forgot(f"nobody-{number()}@example.com"),
            "known": lambda: forgot(f"known-{number() % MEMBERS}@example.com"),
            "disabled": lambda: forgot(f"disabled-{number() % MEMBERS}@example.com"),
        },
        "login": {
            "unknown name": lambda: login(f"nobody-{number()}"),
            "wrong password": lambda: login(f"known-{number() % MEMBERS}", "a wrong one"),
            "disabled": lambda: login(f"disabled-{number() % MEMBERS}"),
            "unconfirmed": lambda: login(f"unconfirmed-{number() % MEMBERS}"),
        },
        "register": {
            "new address": lambda: registered(f"new-{number()}@example.com"),
            "taken address": lambda: registered(f"known-{number() % MEMBERS}@example.com"),
        },
    }


def fill(url: str, uri: str) -> None:
    """Create the members of each kind. Known and disabled ones have a confirmed address."""
    kinds = ("known", "disabled", "unconfirmed")
    names = iter([f"{kind}-{number}" for kind in kinds for number in range(MEMBERS)])
    new: dict[str, Call] = {"register": lambda: _registration(next(names))}
    interleaved(url, new, len(kinds) * MEMBERS)
    engine = create_engine(uri)
    with engine.begin() as connection:
        confirm = "UPDATE users SET email_verified_at = created_at WHERE username NOT LIKE 'unconfirmed-%'"
        connection.execute(text(confirm))
        connection.execute(text("UPDATE users SET disabled_at = created_at WHERE username LIKE 'disabled-%'"))
    engine.dispose()


def _registration(name: str) -> tuple[str, Body]:
    return "/auth/register", {"username": name, "email": f"{name}@example.com", "password": PASSWORD}


def report_timing(database: str, uri: str, rounds: int, folder: Path) -> None:
    """Print a line per call: its median, and the difference from the reference.

    The hash is the fastest possible, so that differences of queries are visible; the default is much slower.
    """
    url_of = Settings.load(DevelopmentConfig, {"DATABASE_URI": uri}, SECRETS).database_uri
    given = {
        "RATE_LIMIT_ENABLED": "false",
        "HIDE_ACCOUNT_EXISTENCE": "true",
        "PASSWORD_HASH_METHOD": CHEAP,
        "MAIL_URL": f"file:{folder}/mail",
    }
    counter = itertools.count()
    print(f"\nresponse times on {database}: n={rounds} each, p of ranks by permutation")
    with running("granian", uri, 1, ROOT, **given) as service:
        url = service.url
        fill(url, url_of)
        for path, calls in questions(lambda: next(counter)).items():
            interleaved(url, calls, WARM)
            times = interleaved(url, calls, rounds)
            first, *others = times
            middle = statistics.median(times[first]) * 1000
            print(f"  {path:8} {first:14} {middle:7.3f} ms")
            for name in others:
                more = statistics.median(times[name]) * 1000 - middle
                p = permutation_p(times[first], times[name])
                print(f"  {'':8} {name:14} {middle + more:7.3f} ms  {more:+.3f} ms  p={p:.3f}", flush=True)

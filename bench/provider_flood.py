"""A flood of calls of strangers to the provider, beside a modest load of `/auth/me`.

The base is what a flood of `/auth/me` itself leaves to the same load. First rate limits are off, so that each
call reaches the provider. Then they are on, as shipped: the flood has one address, `/auth/me` many others.
A flood must not fill a table, so the rows that each one adds are printed, too.
"""

import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select

from bench.aims import at_least, print_line
from bench.load import ClientCalls, Load, Wrk, load, post
from bench.machine import PASSWORD, Noise, wait_until_idle
from bench.provider import ALGORITHMS, REDIRECT, Party, parties
from models import db

FLOOD = 64  # connections
CALM = 4  # connections that call `/auth/me` at the same time
NOISE = 0.1  # of a ratio, between two equal measurements
BASE = "me"
LIMITS = {"RATE_LIMIT_ENABLED": "true", "TRUSTED_PROXIES": "1"}
Flood = tuple[str, Mapping[str, Any]]  # path, and how `Wrk` calls it


def report_provider_flood(database: str, uri: str, rounds: int, seconds: float, folder: Path) -> None:
    """Print rate and p99 of `/auth/me` beside each flood, in turns within each round; medians."""
    for limits in (False, True):
        _report(database, uri, rounds, seconds, folder, limits=limits)


def _report(database: str, uri: str, rounds: int, seconds: float, folder: Path, *, limits: bool) -> None:
    noise = Noise()
    with parties(uri, **LIMITS if limits else {}) as clients:
        client = clients[ALGORITHMS[0]]
        login = {"username": "ada", "password": PASSWORD}
        token = post(f"{client.service.url}/auth/login", login)["access_token"]
        floods = _floods(client, token)
        found: dict[str, list[tuple[Load, Load]]] = {name: [] for name in floods}
        added: dict[str, dict[str, int]] = {}
        for _ in range(rounds):
            for name, flood in floods.items():
                before = _rows(client)
                found[name].append(_beside(client, flood, token, seconds, folder, limits=limits))
                wait_until_idle(client.service.pid)
                _add(added.setdefault(name, {}), before, _rows(client))
    how = f"{FLOOD} connections, {CALM} of `me` beside, rate limits {'on' if limits else 'off'}"
    print(f"\nprovider flood, granian on {database}, {how} ({noise})")
    for name, measured in found.items():
        calm = statistics.median(me.good for me, _ in measured)
        p99 = statistics.median(me.p99 for me, _ in measured)
        calls = statistics.median(flood.good + flood.refused for _, flood in measured)
        print(f"  {name:28}{calls:9.1f} calls/s   me {calm:8.1f} calls/s, p99 {p99:6.1f} ms")
    for name in [each for each in found if each != BASE]:
        pairs = zip(found[name], found[BASE], strict=True)
        ratio = statistics.median(one[0].good / base[0].good for one, base in pairs)
        print_line(f"me beside {name} / me beside {BASE}", ratio, at_least(1 - NOISE))
    for name, tables in added.items():
        rows = ", ".join(f"{table} {number}" for table, number in tables.items() if number)
        print(f"  rows that the flood of {name} added: {rows or 'none'}", flush=True)


def _floods(client: Party, token: str) -> dict[str, Flood]:
    credentials = client.credentials | {"grant_type": "authorization_code"}
    wrong_secret = credentials | {"client_secret": "w" * 43}
    return {
        BASE: ("/auth/me", {"token": token}),
        "authorize, unknown client": (_authorize("unknown", REDIRECT), {}),
        "authorize, wrong redirect": (_authorize(client.client_id, f"{REDIRECT}/"), {}),
        "token, wrong secret": ("/oauth/token", {"client_calls": ClientCalls(wrong_secret, "code", [])}),
        "token, wrong code": ("/oauth/token", {"client_calls": ClientCalls(credentials, "code", [])}),
    }


def _authorize(client_id: str, redirect_uri: str) -> str:
    query = {"client_id": client_id, "redirect_uri": redirect_uri, "response_type": "code", "scope": "openid"}
    return f"/oauth/authorize?{urlencode(query)}"


def _beside(
    client: Party, flood: Flood, token: str, seconds: float, folder: Path, *, limits: bool
) -> tuple[Load, Load]:
    """Return the loads of `/auth/me` and of the flood, measured at the same time."""
    path, how = flood
    url = client.service.url
    running = Wrk(f"{url}{path}", seconds, folder, connections=FLOOD, **how)
    calm = {"token": token, "many_addresses": limits}
    me = load(f"{url}/auth/me", seconds, folder, connections=CALM, **calm)
    return me, running.found()


def _rows(client: Party) -> dict[str, int]:
    """Return the number of rows of each table."""
    with client.app.app_context():
        tables = db.metadata.sorted_tables
        found = {
            table.name: db.session.scalar(select(func.count()).select_from(table)) or 0 for table in tables
        }
        db.session.rollback()
    return found


def _add(sums: dict[str, int], before: Mapping[str, int], after: Mapping[str, int]) -> None:
    for table, number in after.items():
        sums[table] = sums.get(table, 0) + number - before[table]

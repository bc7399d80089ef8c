"""Throughput beside others, interleaved: a peer in Python, and an earlier version of this service.

The peer has the same server and the same number of workers, in an environment of its own with pinned releases
(`peers/requirements.txt`). In each round both answer one after the other, so that a change of the machine's
speed reaches both.
"""

import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import create_engine, make_url, text

from bench.aims import Aim, at_least, print_line
from bench.load import load, post
from bench.machine import PASSWORD, Noise
from bench.servers import ROOT, Service, free_port, process_of, register, running
from config import Settings, TestingConfig

ENVIRONMENT = ROOT / ".venv-peer"
REQUIREMENTS = ROOT / "bench" / "peers" / "requirements.txt"
CONNECTIONS = 16
LOGIN_CONNECTIONS = 6
LOGIN_SECONDS = 15  # at least: with a few logins a second, a shorter time counts too few
SESSIONS = 48
ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
# The least ratios of this service to the earlier version.
BASE_AIMS = {
    "sqlite": {"login": at_least(0.97)},
    "postgres": {"me": at_least(1.6), "refresh": at_least(1.2), "login": at_least(0.97)},
}


class Call(NamedTuple):
    """A call under load."""

    url: str
    token: str | None = None
    body: dict[str, str] | None = None
    refresh_tokens: list[str] | None = None
    connections: int = CONNECTIONS
    min_seconds: float = 0


def report_peer(rounds: int, seconds: float, folder: Path) -> None:
    """Print the throughput of the peer and of this service, and the ratios."""
    noise = Noise()
    with (
        _peer(folder) as peer,
        running("granian", f"sqlite:///{folder}/beside-peer.db", RATE_LIMIT_ENABLED="false") as service,
    ):
        post(f"{peer.url}/register", ADA)
        register(service)
        login = {"username": "ada", "password": PASSWORD}
        peer_token = post(f"{peer.url}/login", login)["access_token"]
        token = post(f"{service.url}/auth/login", login)["access_token"]
        calls = {
            "hello": (Call(f"{peer.url}/hello"), Call(f"{service.url}/health/live")),
            "me": (Call(f"{peer.url}/me", peer_token), Call(f"{service.url}/auth/me", token)),
        }
        found = {name: [_both(pair, seconds, folder) for _ in range(rounds)] for name, pair in calls.items()}
    print(f"\nbeside Flask-JWT-Extended, granian on sqlite, {CONNECTIONS} connections, 2 workers ({noise})")
    _print(found, "peer", "this service", {"hello": at_least(0.6), "me": at_least(2.5)})


def report_base(base: str, database: str, uri: str, rounds: int, seconds: float, folder: Path) -> None:
    """Print the throughput of the version of commit `base` and of this one, and the ratios."""
    noise = Noise()
    with ExitStack() as stack:
        old = stack.enter_context(_checkout(base))
        uris = (f"{uri}-base", f"{uri}-now") if database == "sqlite" else (uri, _second_database(uri))
        services = [
            stack.enter_context(
                running("granian", uri, root=root, RATE_LIMIT_ENABLED="false", TRUSTED_PROXIES="0")
            )
            for root, uri in zip((old, ROOT), uris, strict=True)
        ]
        for service in services:
            register(service)
        found = {
            name: [_both(_pair(name, services), seconds, folder) for _ in range(rounds)]
            for name in ("hello", "me", "refresh", "login")
        }
    print(f"\nbeside {base}, granian on {database}, {CONNECTIONS} connections, 2 workers ({noise})")
    _print(found, base, "now", BASE_AIMS[database])


def _pair(name: str, services: list[Service]) -> tuple[Call, Call]:
    first, second = (_call(name, service.url) for service in services)
    return first, second


def _call(name: str, url: str) -> Call:
    login = {"username": "ada", "password": PASSWORD}
    if name == "login":
        return Call(f"{url}/auth/login", body=login, connections=LOGIN_CONNECTIONS, min_seconds=LOGIN_SECONDS)
    if name == "refresh":
        pairs = [post(f"{url}/auth/login", login) for _ in range(SESSIONS)]
        return Call(f"{url}/auth/refresh", refresh_tokens=[pair["refresh_token"] for pair in pairs])
    token = post(f"{url}/auth/login", login)["access_token"]
    return Call(f"{url}{'/health/live' if name == 'hello' else '/auth/me'}", token)


def _both(calls: tuple[Call, Call], seconds: float, folder: Path) -> tuple[float, float]:
    """Return the successful responses per second of both, one after the other."""
    rates = [
        load(
            call.url,
            max(seconds, call.min_seconds),
            folder,
            connections=call.connections,
            token=call.token,
            body=call.body,
            refresh_tokens=call.refresh_tokens,
        )
        for call in calls
    ]
    return rates[0].good, rates[1].good


def _print(found: dict[str, list[tuple[float, float]]], one: str, other: str, aims: dict[str, Aim]) -> None:
    for name, rounds in found.items():
        rates = [statistics.median(values) for values in zip(*rounds, strict=True)]
        ratios = sorted(second / first for first, second in rounds)
        print(f"  {name:8}{one} {rates[0]:9.1f} calls/s   {other} {rates[1]:9.1f} calls/s")
        spread = f"{name}: ratio, {ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} rounds"
        print_line(spread, statistics.median(ratios), aims.get(name))


@contextmanager
def _peer(folder: Path) -> Iterator[Service]:
    """Run the peer under granian with two workers."""
    port = free_port()
    environ = os.environ | {
        "PEER_DATABASE": f"sqlite:///{folder}/peer.db",
        "PEER_SECRET": secrets.token_urlsafe(48),
    }
    peers = ROOT / "bench" / "peers"
    create_tables = [str(_peer_environment() / "bin" / "python"), "-c", "import flask_jwt_extended_app"]
    subprocess.run(create_tables, cwd=peers, env=environ, check=True)  # two workers at once would collide
    command = [
        *(str(_peer_environment() / "bin" / "granian"), "--interface", "wsgi", "--workers", "2"),
        *("--host", "127.0.0.1", "--port", str(port), "flask_jwt_extended_app:app"),
    ]
    with process_of(command, environ, f"http://127.0.0.1:{port}/hello", peers) as pid:
        yield Service(f"http://127.0.0.1:{port}", pid)


def _peer_environment() -> Path:
    """Return the peer's virtual environment; creates it at first use."""
    if not (ENVIRONMENT / "bin" / "granian").exists():
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", str(REQUIREMENTS)], check=True)
    return ENVIRONMENT


@contextmanager
def _checkout(commit: str) -> Iterator[Path]:
    """Yield a folder with the files of a commit."""
    with tempfile.TemporaryDirectory() as name:
        archive = subprocess.run(["git", "archive", commit], cwd=ROOT, check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", name], input=archive.stdout, check=True)
        yield Path(name)


def _second_database(uri: str) -> str:
    """Create a second database on the server of this URI; return its URI."""
    url = make_url(Settings.load(TestingConfig, {"DATABASE_URI": uri}).database_uri)
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text("CREATE DATABASE bench_now"))
    engine.dispose()
    return url.set(drivername="postgresql", database="bench_now").render_as_string(hide_password=False)

"""Killed workers: acknowledged changes stay, and other workers continue."""

import http.client
import os
import re
import shutil
import signal
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event

import pytest

from tests.conftest import AppFactory
from tests.support.load import UNDER_LOAD, Load, loading
from tests.support.sent_mail import delivered, token_in
from tests.support.server import DEADLINE, Server, serving, until
from tests.support.service import PASSWORD, register
from utils.clock import SystemClock
from utils.passwords.hash_limiter import MAX_WAITING

KEYS = {"FLASK_SECRET_KEY": "a key that every process of these tests has", "JWT_SECRET_KEY": "j" * 40}
KILLS = 3
LINKS = 8  # for each of the kills


def reset_links(make_app: AppFactory, number: int) -> list[tuple[str, str]]:
    """Create this many accounts; return each with a reset link."""
    app = make_app(KEYS | UNDER_LOAD, clock=SystemClock())
    client = app.test_client()
    names = [f"forgetful{each}" for each in range(number)]
    for name in names:
        register(client, name)
    delivered(app)
    for name in names:
        client.post("/auth/password/forgot", json={"email": f"{name}@example.com"})
    links = {mail["To"].partition("@")[0]: token_in(mail) for mail in delivered(app)}
    return [(name, links[name]) for name in names]


def has_reset_more(load: Load, than: int) -> bool:
    return load.done["/auth/password/reset"] > than


def kill_one(server: Server) -> int:
    """Kill a worker with SIGKILL; return its process id."""
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    return victim


def is_replaced(server: Server, victim: int, workers: int) -> bool:
    try:
        return victim not in server.workers() and server.all_serve(workers)
    except OSError:  # it ended during the check
        return False


@pytest.mark.slow
def test_workers_killed_under_load_lose_nothing_acknowledged(
    make_app: AppFactory, database_uri: str, tmp_path: Path
) -> None:
    links = reset_links(make_app, KILLS * LINKS)
    with serving(database_uri, tmp_path, WEB_CONCURRENCY="2", **KEYS, **UNDER_LOAD) as server:
        until(server.all_serve, "both workers to serve")
        with loading(server) as load:
            load.passwords |= {name: PASSWORD for name, _ in links}
            for _ in range(KILLS):
                resets = load.done["/auth/password/reset"]
                for _ in range(LINKS):
                    load.links.put(links.pop())
                until(partial(has_reset_more, load, resets), "a password to be reset")
                victim = kill_one(server)
                until(partial(is_replaced, server, victim, 2), "another worker to serve")
            done = load.acknowledged()
            until(lambda: load.acknowledged() > done + 50, "calls to be answered again")
        assert load.cut, "no request was in flight"
        assert not load.unexpected
        assert load.done["/auth/password/reset"] > KILLS
        assert load.lost(server) == []


def waiting(server: Server) -> int:
    """Return how many callers wait for a password hash, according to the metrics."""
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=30) as answer:
        found = re.search(r"^auth_hashes_waiting (\S+)$", answer.read().decode(), re.MULTILINE)
    return int(float(found[1])) if found else 0


def guess(server: Server) -> int | None:
    """Return the status of a login that computes a hash; None if the connection broke."""
    try:
        return server.call("POST", "/auth/login", {"username": "unknown", "password": PASSWORD})[0]
    except (OSError, http.client.HTTPException):
        return None


@contextmanager
def overloading(server: Server) -> Iterator["Counter[int | None]"]:
    """Call repeatedly from more clients than the hash limiter has places; yield status counts."""
    found, stopped = Counter[int | None](), Event()

    def come_again() -> None:
        while not stopped.is_set():
            found[guess(server)] += 1

    with ThreadPoolExecutor(MAX_WAITING + 4) as pool:
        callers = [pool.submit(come_again) for _ in range(MAX_WAITING + 4)]
        try:
            yield found
        finally:
            stopped.set()
    for caller in callers:
        caller.result()


@pytest.mark.nightly
def test_worker_killed_with_waiting_hashes_is_replaced_with_all_places(
    sqlite_template: Path, tmp_path: Path
) -> None:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    one_at_once = {"HASH_CONCURRENCY": "1", "RATE_LIMIT_ENABLED": "false"}
    with serving(f"sqlite:///{tmp_path}/auth.db", tmp_path, **one_at_once) as server:
        with overloading(server) as found:
            until(lambda: waiting(server) == MAX_WAITING, "every place at the gate to be taken")
            victim = kill_one(server)
            until(lambda: is_replaced(server, victim, 1), "another worker to serve")
            hashed = found[401]
            until(lambda: waiting(server) == MAX_WAITING, "every place of the new gate to be taken")
            until(lambda: found[401] > hashed + 1, "those who waited to be let through")
        assert found[None] >= MAX_WAITING  # those that waited in the killed worker
        assert set(found) <= {401, 503, None}
        assert waiting(server) == 0


@pytest.mark.slow
def test_worker_killed_twice_ends_the_service_with_a_failure(sqlite_template: Path, tmp_path: Path) -> None:
    shutil.copy(sqlite_template, tmp_path / "auth.db")
    with serving(f"sqlite:///{tmp_path}/auth.db", tmp_path) as server:
        until(lambda: server.all_serve(1), "the worker to serve")
        victim = kill_one(server)
        until(lambda: is_replaced(server, victim, 1), "another worker to serve")
        kill_one(server)
        assert server.process.wait(DEADLINE) == 1  # a failure, upon which the supervisor restarts it
        assert "Worker crash loop detected, exiting" in server.log.read_text()

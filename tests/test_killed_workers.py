"""Workers that are killed in the middle of their work: what was acknowledged stays, and the parent helps itself."""

import os
import re
import shutil
import signal
import urllib.request
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import AppFactory
from tests.load import UNDER_LOAD, NoAnswer, Load, loading
from tests.outgoing import delivered, token_in
from tests.server import Server, serving, until
from tests.support import PASSWORD, register
from utils.clock import SystemClock
from utils.hash_gate import MAX_WAITING

KEYS = {"FLASK_SECRET_KEY": "a key that every process of these tests has", "JWT_SECRET_KEY": "j" * 40}
KILLS = 3
LINKS = 8  # for each of the kills


def reset_links(make_app: AppFactory, number: int) -> list[tuple[str, str]]:
    """So many accounts, each with a link that sets its password anew."""
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


def kill_one(server: Server) -> int:
    """Kill a worker, whatever it is doing."""
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    return victim


def is_replaced(server: Server, victim: int, workers: int) -> bool:
    try:
        return victim not in server.workers() and server.all_serve(workers)
    except OSError:  # it went while it was looked at
        return False


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_when_workers_are_killed_under_load(
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
                until(lambda: load.done["/auth/password/reset"] > resets, "a password to be reset")  # noqa: B023
                victim = kill_one(server)
                until(lambda: is_replaced(server, victim, 2), "another worker to serve")  # noqa: B023
            done = load.acknowledged()
            until(lambda: load.acknowledged() > done + 50, "calls to be answered again")
        assert load.cut, "no request was in flight"
        assert not load.unexpected
        assert load.done["/auth/password/reset"] > KILLS
        assert load.lost(server) == []

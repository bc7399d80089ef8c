"""A primary that dies under load: its synchronous standby takes over, by the runbook of the guide."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import pytest

from tests.support.load import UNDER_LOAD, loading
from tests.support.postgres_nodes import Node, replicated
from tests.support.postgres_server import postgres_program
from tests.support.runbooks import runbook
from tests.support.server import Server, free_port, serving, until
from tests.support.service import PASSWORD

ADA = {"username": "ada", "email": "ada@example.com", "password": PASSWORD}
LIMIT = 10  # seconds from the promotion to the next changes


@contextmanager
def gunicorn(primary: Node, standby: Node, folder: Path) -> Iterator[Server]:
    """Run the service under gunicorn on both servers."""
    hosts = f"host={primary.host}&host={standby.host}&target_session_attrs=read-write"
    port = free_port()
    command = ["-m", "gunicorn", "app:app", f"--bind=127.0.0.1:{port}", "--workers=2", "--threads=16"]
    uri = f"postgresql://postgres@/postgres?{hosts}"
    with serving(uri, folder, python=command, PORT=str(port), **UNDER_LOAD) as server:
        yield server


def promote(standby: Node) -> None:
    """Run the commands of the guide on the standby, as its superuser."""
    path = f"{Path(postgres_program('psql')).parent}{os.pathsep}{os.environ['PATH']}"
    environ = {"PATH": path, "PGHOST": str(standby.data), "PGPORT": str(standby.port), "PGUSER": "postgres"}
    for commands in runbook("failover"):
        shell = ["bash", "-euo", "pipefail", "-c", commands]
        done = subprocess.run(shell, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.nightly
def test_standby_takes_over_from_a_killed_primary_under_load(tmp_path: Path) -> None:
    with replicated() as (primary, standby), gunicorn(primary, standby, tmp_path) as server:
        server.call("POST", "/auth/register", ADA)
        ended, kept = (server.call("POST", "/auth/login", ADA)[1] for _ in range(2))
        assert server.call("POST", "/auth/logout", {}, ended["access_token"])[0] == 204
        workers = server.workers()
        with loading(server) as load:
            until(lambda: load.acknowledged() > 200, "calls to be answered")
            primary.kill()
            until(lambda: server.call("GET", "/health/ready")[0] == 503, "it to be not ready")
            promote(standby)
            began, done = monotonic(), load.acknowledged()
            until(lambda: load.acknowledged() > done, "changes to be acknowledged")
            assert monotonic() - began < LIMIT
            assert server.call("POST", "/auth/login", ADA)[0] == 200
            until(lambda: load.acknowledged() > done + 200, "calls to be answered again")
        assert server.workers() == workers  # nothing was restarted
        assert load.cut == 0
        assert {(status, code) for _, status, code in load.unexpected} <= {(503, "unavailable")}
        assert load.lost(server) == []
        assert server.call("GET", "/auth/me", token=ended["access_token"])[0] == 401
        assert server.call("POST", "/auth/refresh", {"refresh_token": ended["refresh_token"]})[0] == 401
        assert server.call("GET", "/auth/me", token=kept["access_token"])[0] == 200


@pytest.mark.nightly
def test_dead_standby_stops_changes_until_it_is_taken_out(tmp_path: Path) -> None:
    with replicated() as (primary, standby), gunicorn(primary, standby, tmp_path) as server:
        server.call("POST", "/auth/register", ADA)
        access = server.call("POST", "/auth/login", ADA)[1]["access_token"]
        standby.kill()
        began = monotonic()
        assert server.call("POST", "/auth/login", ADA)[0] == 503
        assert monotonic() - began < LIMIT
        assert server.call("GET", "/auth/me", token=access)[0] == 200
        primary.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        primary.sql("SELECT pg_reload_conf()")
        assert server.call("POST", "/auth/login", ADA)[0] == 200
